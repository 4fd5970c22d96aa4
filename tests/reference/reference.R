# Expected figures for ballots.csv and pages.csv by other software: base R, lme4, survey.
# Run from this folder: Rscript reference.R   (writes expected.csv and versions.txt)
suppressMessages({library(lme4); library(survey)})
points <- c("1" = 0, "2" = 30, "3" = 60, "4" = 80, "5" = 100)
items <- paste0("q", 0:3)
read <- function(name) {
  d <- read.csv(name)
  m <- as.matrix(d[items]); m[m == 0 | m == 255] <- NA
  d$mean <- rowMeans(m, na.rm = TRUE)
  p <- matrix(points[as.character(m)], nrow(m)); d$score <- rowMeans(p, na.rm = TRUE)
  d[!is.nan(d$mean), ]
}
out <- data.frame(figure = character(), key = character(), value = numeric())
put <- function(figure, key, value) out[nrow(out) + 1, ] <<- list(figure, as.character(key), as.numeric(value))

d <- read("ballots.csv")
m <- lmer(mean ~ 1 + (1 | target), d, control = lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12)))
v <- as.data.frame(VarCorr(m))
put("reml", "tau2", v$vcov[1]); put("reml", "sigma2", v$vcov[2]); put("reml", "mu", fixef(m))
put("reml", "deviance", REMLcrit(m))
re <- ranef(m, condVar = TRUE)$target
for (t in rownames(re)) {
  put("shrunken_mean", t, re[t, 1] + fixef(m))
  put("shrunken_sd", t, sqrt(attr(re, "postVar")[1, 1, match(t, rownames(re))]))
}

options(survey.lonely.psu = "adjust")
for (t in sort(unique(d$target))) {
  x <- d[d$target == t, ]; n <- nrow(x); h <- length(unique(x$class))
  put("score", t, mean(x$score)); put("mean", t, mean(x$mean))
  if (n < 2) next
  ci <- t.test(x$score)$conf.int
  put("score_ci_low", t, ci[1]); put("score_ci_high", t, ci[2])
  a <- svydesign(id = ~1, strata = ~class, fpc = ~heads, weights = rep(1, n), data = x)
  put("roster_se", t, SE(svymean(~score, a))); put("roster_df", t, max(n - h, 1))
  # How far unequal response moves the score off the mean weighted to the classes that answered.
  heads <- unique(x[c("class", "heads")]); names(heads)[2] <- "Freq"
  p <- postStratify(svydesign(id = ~1, weights = rep(1, n), data = x), ~class, heads)
  put("roster_shift", t, mean(x$score) - coef(svymean(~score, p)))
  if (h >= 5) {
    b <- svydesign(id = ~class, weights = rep(1, n), data = x)
    put("class_se", t, SE(svymean(~score, b))); put("class_df", t, h - 1)
  }
}

b <- svydesign(id = ~target, weights = rep(1, nrow(d)), data = d)
by <- svyby(~mean, ~unit, b, svymean)
for (u in by$unit) { put("pooled_mean", u, by[u, "mean"]); put("pooled_mean_se", u, by[u, "se"]) }

t <- aggregate(cbind(mean, score) ~ target + unit, d, mean)
for (u in sort(unique(t$unit))) {
  x <- t$mean[t$unit == u]; put("unit_mean", u, mean(x)); put("unit_mean_se", u, sd(x) / sqrt(length(x)))
  ci <- t.test(t$score[t$unit == u])$conf.int
  put("unit_score_low", u, ci[1]); put("unit_score_high", u, ci[2])
}
w <- oneway.test(mean ~ unit, t)
put("welch", "f", w$statistic); put("welch", "df1", w$parameter[1]); put("welch", "df2", w$parameter[2])
put("welch", "p", w$p.value)
k <- kruskal.test(round(t$mean, 11), factor(t$unit))
put("kruskal", "h", k$statistic); put("kruskal", "df", k$parameter); put("kruskal", "p", k$p.value)
units <- sort(unique(t$unit)); ps <- c(); keys <- c()
for (i in seq_along(units)) for (j in seq_along(units)) if (i < j) {
  x <- t$mean[t$unit == units[i]]; y <- t$mean[t$unit == units[j]]; r <- t.test(x, y)
  key <- paste(units[i], units[j]); keys <- c(keys, key); ps <- c(ps, r$p.value)
  put("pair_difference", key, r$estimate[1] - r$estimate[2])
  put("pair_low", key, r$conf.int[1]); put("pair_high", key, r$conf.int[2])
  put("pair_t", key, r$statistic); put("pair_df", key, r$parameter); put("pair_p", key, r$p.value)
  df <- length(x) + length(y) - 2
  sp <- sqrt(((length(x) - 1) * var(x) + (length(y) - 1) * var(y)) / df)
  put("pair_g", key, (mean(x) - mean(y)) / sp * (1 - 3 / (4 * df - 1)))
}
adj <- p.adjust(ps, "BH"); for (i in seq_along(keys)) put("pair_adjusted", keys[i], adj[i])

raw <- read.csv("ballots.csv")
for (q in items) {
  x <- raw[[q]]; x <- x[x >= 1 & x <= 5]; s <- points[as.character(x)]
  put("item_mean", q, mean(x)); put("item_sd", q, sd(x)); put("item_score_se", q, sd(s) / sqrt(length(s)))
  w <- prop.test(sum(x >= 4), length(x), correct = FALSE)$conf.int
  put("item_low", q, w[1]); put("item_high", q, w[2])
}

p <- read("pages.csv")
wide <- reshape(p[c("page", "department", "mean")], idvar = "page", timevar = "department", direction = "wide")
full <- as.matrix(wide[complete.cases(wide), -1])
f <- friedman.test(full)
put("friedman", "q", f$statistic); put("friedman", "p", f$p.value)
put("friedman", "w", f$statistic / (nrow(full) * (ncol(full) - 1)))
for (i in 1:5) for (j in (i + 1):6) {
  r <- t.test(wide[[i + 1]], wide[[j + 1]], paired = TRUE); key <- paste0("d", i - 1, " d", j - 1)
  put("paired_difference", key, r$estimate); put("paired_p", key, r$p.value)
  put("paired_low", key, r$conf.int[1]); put("paired_high", key, r$conf.int[2])
}
out$value <- sprintf("%.17g", out$value)
write.csv(out, "expected.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("lme4", packageVersion("lme4")), paste("survey", packageVersion("survey"))), "versions.txt")
