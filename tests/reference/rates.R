# Expected figures for rates, non-response and ordered groups by other software: base R, survey.
# Run from this folder: Rscript rates.R   (writes rates.csv; keys hold the input, so that the tests can read it)
suppressMessages(library(survey))
out <- data.frame(figure = character(), key = character(), value = numeric())
put <- function(figure, key, value) out[nrow(out) + 1, ] <<- list(figure, as.character(key), as.numeric(value))
both <- function(figure, key, ends) { put(paste0(figure, "_low"), key, ends[1]); put(paste0(figure, "_high"), key, ends[2]) }
key <- function(...) paste(..., collapse = " ")

# One rate: key "successes n" or "successes n N".
for (x in list(c(0, 20), c(1, 29), c(15, 148), c(81, 263), c(7, 7), c(12345, 54321))) {
  both("wilson", key(x), suppressWarnings(prop.test(x[1], x[2], correct = FALSE)$conf.int))
  both("clopper", key(x), binom.test(x[1], x[2])$conf.int)
}
for (x in list(c(3, 12, 80), c(0, 30, 61), c(30, 30, 61), c(70, 90, 100), c(55, 99, 100), c(400, 900, 1e5))) {
  n <- x[2] * (x[3] - 1) / (x[3] - x[2])
  both("finite", key(x), suppressWarnings(prop.test(x[1] / x[2] * n, n, correct = FALSE)$conf.int))
}
exact <- function(k, n, heads) {
  all <- k:(heads - n + k)
  low <- phyper(k - 1, all, heads - all, n, lower.tail = FALSE) > 0.025
  high <- phyper(k, all, heads - all, n) > 0.025
  range(all[low & high]) / heads
}
for (heads in c(1, 2, 5, 12, 31, 60)) for (n in unique(pmax(1, round(heads * c(.1, .4, .7, 1))))) for (k in 0:n)
  both("exact", key(c(k, n, heads)), exact(k, n, heads))

# Two rates: key "k_a n_a k_b n_b".
for (x in list(c(56, 70, 48, 80), c(9, 10, 3, 10), c(0, 10, 3, 9), c(5, 56, 0, 29), c(3, 4, 1, 4), c(880, 1000, 905, 990),
               c(1, 2e6, 6, 3e6))) {
  t <- rbind(c(x[1], x[2] - x[1]), c(x[3], x[4] - x[3]))
  put("score_p", key(x), suppressWarnings(prop.test(x[c(1, 3)], x[c(2, 4)], correct = FALSE)$p.value))
  put("fisher_p", key(x), fisher.test(t)$p.value)
}

# Clusters: key "unit successes answers cluster".
clusters <- data.frame(unit = rep(1:3, c(6, 4, 5)), k = c(9, 14, 3, 7, 20, 11, 4, 9, 2, 13, 6, 6, 6, 9, 3),
                       n = c(12, 15, 9, 10, 22, 16, 15, 19, 11, 20, 10, 10, 10, 15, 5), cluster = 1:15)
for (i in seq_len(nrow(clusters))) put("cluster", key(unlist(clusters[i, ])), 1)
ballots <- clusters[rep(seq_len(nrow(clusters)), clusters$n), c("unit", "cluster")]
ballots$y <- unlist(Map(function(k, n) rep(1:0, c(k, n - k)), clusters$k, clusters$n))
b <- svydesign(id = ~cluster, strata = ~unit, weights = rep(1, nrow(ballots)), data = ballots)
by <- svyby(~y, ~unit, b, svymean, covmat = TRUE)
for (u in 1:3) { put("cluster_rate", u, by[u, "y"]); put("cluster_variance", u, by[u, "se"]^2) }
d <- svycontrast(by, c("1" = 1, "2" = -1)); put("cluster_difference", "1 2", coef(d)); put("cluster_se", "1 2", SE(d))
va <- by[1, "se"]^2; vb <- by[2, "se"]^2; df <- (va + vb)^2 / (va^2 / 5 + vb^2 / 3)
put("cluster_df", "1 2", df); put("cluster_p", "1 2", 2 * pt(-abs(coef(d) / SE(d)), df))

# Korn-Graubard interval of unit 1 with its design effect (survey: n / deff from the variance, adjusted for df).
first <- ballots[ballots$unit == 1, ]; one <- svydesign(id = ~cluster, weights = rep(1, nrow(first)), data = first)
p <- svymean(~y, one); n <- sum(ballots$unit == 1)
put("kg_deff", "1", as.numeric(vcov(p)) * n / (coef(p) * (1 - coef(p)))); put("kg_df", "1", degf(one))
both("kg", "1", attr(svyciprop(~y, one, method = "beta"), "ci"))

# Weighting classes: key "class heads"; answers are levels 1..5, counts in the value of "class_count".
counts <- rbind(c(1, 2, 4, 6, 3), c(0, 1, 2, 5, 9), c(3, 3, 1, 0, 2), c(0, 0, 1, 0, 0)); heads <- c(40, 30, 25, 9)
x <- data.frame(class = rep(1:4, rowSums(counts)), y = unlist(apply(counts, 1, function(r) rep(1:5, r))), heads = 0)
x$heads <- heads[x$class]
for (h in 1:4) for (l in 1:5) put("class_count", key(c(h, heads[h], l)), counts[h, l])
options(survey.lonely.psu = "adjust")
s <- svydesign(id = ~1, strata = ~class, fpc = ~heads, data = x)
put("class_mean", "", coef(svymean(~y, s))); put("class_se", "", SE(svymean(~y, s)))
ps <- postStratify(svydesign(id = ~1, weights = rep(1, nrow(x)), data = x), ~class, data.frame(class = 1:4, Freq = heads))
put("class_post_mean", "", coef(svymean(~y, ps)))
put("class_deff", "", 1 + mean((weights(ps) - mean(weights(ps)))^2) / mean(weights(ps))^2)

# Raking: key "row column layer".
n <- array(c(9, 4, 7, 3, 8, 6, 2, 5, 11, 4, 3, 6), c(3, 2, 2))
cells <- as.data.frame.table(n, responseName = "n"); cells[1:3] <- lapply(cells[1:3], as.integer)
z <- cells[rep(seq_len(nrow(cells)), cells$n), 1:3]; z$y <- (z$Var1 * 7 + z$Var2 * 3 + z$Var3 + seq_len(nrow(z)) %% 5)
margins <- list(c(90, 70, 80), c(130, 110), c(100, 140))
for (a in 1:3) for (i in seq_along(margins[[a]])) put("rake_margin", key(c(a, i)), margins[[a]][i])
z$heads <- sum(margins[[1]])
r <- rake(svydesign(id = ~1, fpc = ~heads, data = z), list(~Var1, ~Var2, ~Var3),
          lapply(1:3, function(a) setNames(data.frame(seq_along(margins[[a]]), margins[[a]]), c(paste0("Var", a), "Freq"))),
          control = list(maxit = 500, epsilon = 1e-12))
for (i in seq_len(nrow(cells))) {
  here <- z$Var1 == cells$Var1[i] & z$Var2 == cells$Var2[i] & z$Var3 == cells$Var3[i]
  put("rake_count", key(unlist(cells[i, 1:3])), cells$n[i]); put("rake_weight", key(unlist(cells[i, 1:3])), weights(r)[here][1])
  put("rake_cell_mean", key(unlist(cells[i, 1:3])), mean(z$y[here])); put("rake_cell_ss", key(unlist(cells[i, 1:3])), sum((z$y[here] - mean(z$y[here]))^2))
}
put("rake_mean", "", coef(svymean(~y, r))); put("rake_se", "", SE(svymean(~y, r)))

# R-indicator from the propensities of a logistic model (Shlomo, Skinner and Schouten 2012, census): key "n N".
responded <- c(30, 42, 11, 55, 8); asked <- c(50, 60, 40, 61, 20)
g <- data.frame(class = factor(rep(1:5, asked)), y = unlist(Map(function(k, n) rep(1:0, c(k, n - k)), responded, asked)))
rho <- fitted(glm(y ~ class, binomial, g, epsilon = 1e-14)); m <- model.matrix(~class, g); w <- rho * (1 - rho)
for (h in 1:5) put("r_class", key(c(responded[h], asked[h])), h)
put("r", "", 1 - 2 * sd(rho))
put("r_adjusted", "", 1 - 2 * sqrt(var(rho) - mean(rowSums((w * m) %*% solve(t(w * m) %*% m) * (w * m)))))

# Ordered groups.
drinks <- list(c(48, 38, 5, 1, 1), c(17114, 14502, 793, 127, 38), c(0, .5, 1.5, 4, 7))
a <- suppressWarnings(prop.trend.test(drinks[[1]], drinks[[2]], drinks[[3]])); h <- suppressWarnings(prop.test(drinks[[1]], drinks[[2]]))
put("trend", "chi2", a$statistic); put("trend", "p", a$p.value); put("trend", "departure", h$statistic - a$statistic)
put("trend", "departure_p", pchisq(h$statistic - a$statistic, 3, lower.tail = FALSE))
levels5 <- rbind(c(4, 6, 9, 12, 5), c(2, 5, 9, 15, 11), c(3, 2, 8, 14, 16), c(0, 3, 6, 12, 19))
for (i in 1:4) for (j in 1:5) put("jt_count", key(c(i, j)), levels5[i, j])
v <- as.data.frame.table(levels5); v <- v[rep(seq_len(nrow(v)), v$Freq), ]
k <- cor.test(as.integer(v$Var1), as.integer(v$Var2), method = "kendall", exact = FALSE)
put("jt", "z", k$statistic); put("jt", "p", k$p.value)

# Trend over campaigns: key "year estimate se".
years <- data.frame(year = c(2022, 2023, 2025, 2026), y = c(81.2, 82.9, 83.1, 86.0), se = c(.9, .7, 1.2, .8))
for (i in 1:4) put("campaign", key(unlist(years[i, ])), i)
f <- lm(y ~ year, years, weights = 1 / se^2); q <- sum(residuals(f)^2 / years$se^2)
se <- summary(f)$coefficients[2, 2] / summary(f)$sigma
put("campaigns", "slope", coef(f)[2]); put("campaigns", "se", se); put("campaigns", "q", q)
put("campaigns", "p", 2 * pnorm(-abs(coef(f)[2] / se))); put("campaigns", "heterogeneity_p", pchisq(q, 2, lower.tail = FALSE))

out$value <- sprintf("%.17g", out$value)
write.csv(out, "rates.csv", row.names = FALSE, quote = FALSE)
