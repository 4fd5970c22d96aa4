# Expected figures of composites by other software: base R `t.test` (Welch) on weighted samples, and `survey`.
# Run from this folder: Rscript composites.R   (writes composites.csv)
suppressMessages(library(survey))
out <- data.frame(figure = character(), value = numeric())
put <- function(figure, value) out[nrow(out) + 1, ] <<- list(figure, as.numeric(value))

# Phone 60 : paper 40. The weighted sum is the Welch difference of 0.6 x and -0.4 y.
phone <- c(100, 80, 80, 60, 100, 30, 80, 100, 60, 80, 100, 80)
paper <- c(60, 80, 30, 0, 100, 60, 80, 60)
w <- t.test(0.6 * phone, -0.4 * paper)
put("two_score", w$estimate[1] - w$estimate[2]); put("two_se", w$stderr); put("two_df", w$parameter)
put("two_low", w$conf.int[1]); put("two_high", w$conf.int[2])

# Audiences 50 / 25 / 25 as a contrast of stratum means; three samples drawn independently.
public <- c(80, 60, 60, 100, 30, 80, 80)
d <- data.frame(y = c(phone, paper, public), g = rep(c("a", "b", "c"), c(12, 8, 7)))
s <- svydesign(id = ~1, strata = ~g, weights = rep(1, nrow(d)), data = d)
m <- svyby(~y, ~g, s, svymean, covmat = TRUE)
k <- svycontrast(m, c(a = 0.5, b = 0.25, c = 0.25))
put("three_score", coef(k)); put("three_se", SE(k))
v <- c(0.5, 0.25, 0.25)^2 * tapply(d$y, d$g, function(x) var(x) / length(x))
df <- sum(v)^2 / sum(v^2 / c(11, 7, 6))
put("three_df", df)
put("three_low", coef(k) - qt(0.975, df) * SE(k)); put("three_high", coef(k) + qt(0.975, df) * SE(k))

out$value <- format(out$value, digits = 17, trim = TRUE); write.csv(out, "composites.csv", row.names = FALSE, quote = FALSE)
