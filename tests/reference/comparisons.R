# Expected figures of the comparisons for ballots.csv by other software: base R, coin, and formulas on single answers.
# Run from this folder, after reference.R: Rscript comparisons.R   (writes comparisons.csv)
suppressMessages(library(coin))
items <- paste0("q", 0:3)
out <- data.frame(figure = character(), key = character(), value = numeric())
put <- function(figure, key, value) out[nrow(out) + 1, ] <<- list(figure, as.character(key), as.numeric(value))

raw <- read.csv("ballots.csv")
m <- as.matrix(raw[items]); m[m == 0 | m == 255] <- NA
raw$mean <- rowMeans(m, na.rm = TRUE)
d <- raw[!is.nan(raw$mean), ]
t <- aggregate(mean ~ target + unit, d, mean)
units <- sort(unique(t$unit)); k <- length(units)
by <- split(t$mean, t$unit)

# Games-Howell and Dunn, all pairs of units
r <- rank(round(t$mean, 11)); n <- length(r); ties <- table(r)
rank_by <- split(r, t$unit); p_dunn <- c(); p_welch <- c()
for (i in 1:(k - 1)) for (j in (i + 1):k) {
  x <- by[[i]]; y <- by[[j]]; key <- paste(units[i], units[j]); w <- t.test(x, y)
  p_welch <- c(p_welch, w$p.value)
  put("gh_p", key, ptukey(abs(w$statistic) * sqrt(2), k, w$parameter, lower.tail = FALSE))
  put("gh_q", key, abs(w$statistic) * sqrt(2)); put("gh_df", key, w$parameter)
  se <- sqrt((n * (n + 1) - sum(ties^3 - ties) / (n - 1)) / 12 * (1 / length(x) + 1 / length(y)))
  z <- (mean(rank_by[[i]]) - mean(rank_by[[j]])) / se; p_dunn <- c(p_dunn, 2 * pnorm(-abs(z)))
  put("dunn_z", key, z); put("dunn_p", key, 2 * pnorm(-abs(z)))
}
# An untestable pair is left out of the family.
p_gap <- replace(p_welch, 2, NA)
for (i in seq_along(p_gap)) {
  put("holm", i, p.adjust(p_welch, "holm")[i]); put("holm_gap", i, p.adjust(p_gap, "holm")[i])
  put("bh_gap", i, p.adjust(p_gap, "BH")[i])
}

# Kruskal-Wallis on the answers to q0 by target
a <- raw[raw$q0 >= 1 & raw$q0 <= 5, c("target", "unit", "class", "q0")]
kw <- kruskal.test(a$q0, factor(a$target)); put("kw_counts", "h", kw$statistic); put("kw_counts", "p", kw$p.value)

# Two targets, q0
targets <- sort(unique(a$target))
for (i in 1:(length(targets) - 1)) {
  x <- a$q0[a$target == targets[i]]; y <- a$q0[a$target == targets[i + 1]]; key <- targets[i]
  if (!length(x) || !length(y) || length(unique(c(x, y))) < 2) next
  w <- suppressWarnings(wilcox.test(x, y, exact = FALSE))
  put("mw_u", key, w$statistic); put("mw_p", key, w$p.value)
  put("mw_p_plain", key, suppressWarnings(wilcox.test(x, y, exact = FALSE, correct = FALSE))$p.value)
  if (min(length(x), length(y)) < 20) {
    e <- wilcox_test(c(x, y) ~ factor(rep(c("a", "b"), c(length(x), length(y)))), distribution = "exact")
    put("mw_exact", key, pvalue(e))
  }
  # Brunner and Munzel (2000) on single answers
  pa <- rank(c(x, y))[seq_along(x)] - rank(x); pb <- rank(c(x, y))[length(x) + seq_along(y)] - rank(y)
  if (length(x) < 2 || length(y) < 2 || var(pa) + var(pb) == 0) next
  p <- mean(pa) / length(y); va <- var(pa) / length(y)^2 / length(x); vb <- var(pb) / length(x)^2 / length(y)
  df <- (va + vb)^2 / (va^2 / (length(x) - 1) + vb^2 / (length(y) - 1)); s <- (p - 0.5) / sqrt(va + vb)
  put("bm_estimate", key, p); put("bm_t", key, s); put("bm_df", key, df); put("bm_p", key, 2 * pt(-abs(s), df))
  put("bm_low", key, max(0, p - qt(0.975, df) * sqrt(va + vb)))
  put("bm_high", key, min(1, p + qt(0.975, df) * sqrt(va + vb)))
}

# Funnels: satisfied (4 and 5) on q0, and means of ballots
s <- tapply(a$q0 >= 4, a$target, sum); n <- tapply(a$q0, a$target, length); centre <- sum(s) / sum(n)
edge <- function(p, n) {
  r <- qbinom(p, n, centre)
  pmin(pmax((r - (pbinom(r, n, centre) - p) / dbinom(r, n, centre)) / n, 0), 1)
}
spread <- function(z, se) {
  w <- pmin(pmax(z, quantile(z, 0.1)), quantile(z, 0.9)); phi <- mean(w^2); i <- length(z)
  c(phi, max(0, (i * phi - (i - 1)) / (sum(se^-2) - sum(se^-4) / sum(se^-2))))
}
se <- sqrt(centre * (1 - centre) / n); z <- (s / n - centre) / se; o <- spread(z, se)
put("rates", "centre", centre); put("rates", "phi", o[1]); put("rates", "tau2", o[2])
for (x in names(n)) {
  put("rates_z", x, z[x]); put("rates_low95", x, edge(0.025, n[x])); put("rates_high95", x, edge(0.975, n[x]))
  put("rates_low998", x, edge(0.001, n[x])); put("rates_high998", x, edge(0.999, n[x]))
  put("rates_adjusted", x, (s[x] / n[x] - centre) / sqrt(se[x]^2 + o[2]))
}
sigma <- summary(lm(mean ~ target, d))$sigma; n <- tapply(d$mean, d$target, length)
value <- tapply(d$mean, d$target, mean); se <- sigma / sqrt(n); z <- (value - mean(d$mean)) / se; o <- spread(z, se)
put("means", "centre", mean(d$mean)); put("means", "phi", o[1]); put("means", "tau2", o[2])
for (x in names(n)) {
  put("means_z", x, z[x]); put("means_adjusted", x, (value[x] - mean(d$mean)) / sqrt(se[x]^2 + o[2]))
}

# Expected ranks from the posterior means and sds that lme4 gave, all pairs; the variance by integration
e <- read.csv("expected.csv"); theta <- e$value[e$figure == "shrunken_mean"]; sd <- e$value[e$figure == "shrunken_sd"]
name <- e$key[e$figure == "shrunken_mean"]
for (i in seq_along(theta)) {
  o <- theta[-i]; so <- sd[-i]
  q <- function(x) sapply(x, function(v) sum(pnorm((o - v) / so)))
  v <- function(x) sapply(x, function(v) sum(pnorm((o - v) / so) * pnorm((v - o) / so)))
  over <- function(f) integrate(function(x) f(x) * dnorm(x, theta[i], sd[i]), theta[i] - 9 * sd[i], theta[i] + 9 * sd[i],
                                rel.tol = 1e-11, subdivisions = 2000)$value
  expected <- sum(pnorm((o - theta[i]) / sqrt(so^2 + sd[i]^2)))
  put("rank", name[i], 1 + expected); put("rank_sd", name[i], sqrt(over(v) + over(function(x) (q(x) - expected)^2)))
  put("below", name[i], pnorm((3.5 - theta[i]) / sd[i]))
}

# Benchmark: the mean of every target in every class is one value, classes are the cells
b <- aggregate(mean ~ unit + class + target, d, mean)
for (u in units) {
  own <- b[b$unit == u, ]; peers <- b[b$unit != u & b$class %in% own$class, ]
  put("covered", u, mean(own$class %in% peers$class)); own <- own[own$class %in% peers$class, ]
  if (!nrow(own)) next
  cells <- split(own$mean, own$class); w <- lengths(cells) / nrow(own); others <- split(peers$mean, peers$class)[names(w)]
  side <- function(x) {
    df <- sum(lengths(x) - 1); pooled <- sum(sapply(x, function(v) sum((v - mean(v))^2))) / df; lone <- lengths(x) == 1
    part <- w^2 * ifelse(lone, pooled, sapply(x, var)) / lengths(x)
    c(sum(w * sapply(x, mean)), sum(part), sum(part[!lone]^2 / (lengths(x)[!lone] - 1)) + sum(part[lone])^2 / df)
  }
  o <- side(cells); x <- side(others); se <- sqrt(o[2] + x[2]); df <- (o[2] + x[2])^2 / (o[3] + x[3])
  put("observed", u, o[1]); put("observed_se", u, sqrt(o[2])); put("peers", u, x[1]); put("peers_se", u, sqrt(x[2]))
  put("benchmark_df", u, df); put("benchmark_p", u, 2 * pt(-abs(o[1] - x[1]) / se, df))
}

out$value <- ifelse(is.na(out$value), "nan", sprintf("%.17g", out$value))
write.csv(out, "comparisons.csv", row.names = FALSE, quote = FALSE)
