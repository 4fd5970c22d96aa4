# Expected figures of `survey analyse` by other software: base R, psych, lavaan, lme4, multilevel.
# Run from this folder: SURVEY_REFERENCE_DATA=folder Rscript scales.R   (writes scales.csv)
# The folder holds insteval_ratings.csv; lq2002.csv (leadership of 49 companies, package multilevel) is written there.
suppressMessages({library(lme4); library(psych); library(lavaan); library(multilevel)})
folder <- Sys.getenv("SURVEY_REFERENCE_DATA")
points <- c("1" = 0, "2" = 30, "3" = 60, "4" = 80, "5" = 100)
out <- data.frame(data = character(), figure = character(), key = character(), value = numeric())
data <- ""
put <- function(figure, key, value)
  out <<- rbind(out, data.frame(data = data, figure = figure, key = as.character(key), value = as.numeric(value)))

scale <- function(x) {
  x <- x[complete.cases(x), ]; n <- nrow(x); k <- ncol(x)
  a <- suppressWarnings(psych::alpha(x, warnings = FALSE)); alpha <- a$total$raw_alpha
  put("complete", "", n); put("alpha", "", alpha)
  put("alpha_low", "", 1 - (1 - alpha) * qf(0.975, n - 1, (n - 1) * (k - 1)))
  put("alpha_high", "", 1 - (1 - alpha) * qf(0.025, n - 1, (n - 1) * (k - 1)))
  put("item_total", names(x), a$item.stats$r.drop); put("alpha_without", names(x), a$alpha.drop$raw_alpha)
  m <- cfa(paste("f =~", paste(names(x), collapse = " + ")), x, std.lv = TRUE)
  e <- lavInspect(m, "est"); put("omega", "", sum(e$lambda)^2 / (sum(e$lambda)^2 + sum(diag(e$theta))))
  f <- factanal(x, 1); put("own", names(x), f$uniquenesses)
}

agreement <- function(x, target) {
  one <- rwg(x[[1]], target); put("rwg", one$grpid, one$rwg)
  one <- rwg.j(x[complete.cases(x), ], target[complete.cases(x)]); put("rwg_j", one$grpid, one$rwg.j)
  m <- rowMeans(x); used <- !is.na(m); fit <- aov(m[used] ~ factor(target[used]))
  put("icc1", "", ICC1(fit)); put("icc2", "", ICC2(fit))
}

targets <- function(d, every = 1) {
  m <- lmer(mean ~ 1 + (1 | target), d, control = lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12)))
  v <- as.data.frame(VarCorr(m))$vcov; put("icc", "", v[1] / sum(v)); put("mu", "", fixef(m))
  put("tau2", "", v[1]); put("sigma2", "", v[2])
  re <- ranef(m)$target; names <- sort(unique(d$target)); names <- names[seq(1, length(names), by = every)]
  put("shrunken_mean", names, re[as.character(names), 1] + fixef(m))
  for (t in names) {
    x <- d[d$target == t, ]; put("ballots", t, nrow(x)); put("mean", t, mean(x$mean)); put("score", t, mean(x$score))
    if (nrow(x) < 2 || sd(x$score) == 0) next
    ci <- t.test(x$score)$conf.int; put("score_low", t, ci[1]); put("score_high", t, ci[2])
  }
}

units <- function(d) {
  t <- aggregate(cbind(mean, score) ~ target + unit, d, mean); names <- sort(unique(t$unit)); ps <- c(); keys <- c()
  for (u in names) {
    x <- t$mean[t$unit == u]; put("unit_mean", u, mean(x)); put("unit_mean_se", u, sd(x) / sqrt(length(x)))
    put("unit_score", u, mean(t$score[t$unit == u])); put("pooled_mean", u, mean(d$mean[d$unit == u]))
  }
  for (i in seq_along(names)) for (j in seq_along(names)) if (i < j) {
    r <- t.test(t$mean[t$unit == names[i]], t$mean[t$unit == names[j]]); key <- paste(names[i], names[j])
    put("pair_difference", key, r$estimate[1] - r$estimate[2]); put("pair_df", key, r$parameter)
    put("pair_low", key, r$conf.int[1]); put("pair_high", key, r$conf.int[2]); put("pair_p", key, r$p.value)
    ps <- c(ps, r$p.value); keys <- c(keys, key)
  }
  put("pair_adjusted", keys, p.adjust(ps, "BH"))
  w <- oneway.test(mean ~ unit, t)
  put("welch", c("f", "df1", "df2", "p"), c(w$statistic, w$parameter, w$p.value))
}

with_values <- function(d, items) {
  x <- as.matrix(d[items]); x[x == 0] <- NA; p <- matrix(points[as.character(x)], nrow(x))
  d$mean <- rowMeans(x, na.rm = TRUE); d$score <- rowMeans(p, na.rm = TRUE); d[!is.nan(d$mean), ]
}

data <- "scale_ballots"; items <- sprintf("q%02d", 1:11)
d <- read.csv("scale_ballots.csv"); x <- d[items]; x[x == 0] <- NA
scale(x); agreement(x, d$target); d <- with_values(d, items); targets(d); units(d)

data(lq2002); data <- "lq2002"; items <- sprintf("LEAD%02d", 1:11)
d <- data.frame(target = lq2002$COMPID, unit = paste0("u", lq2002$COMPID %% 7), lq2002[items])
write.csv(d, file.path(folder, "lq2002.csv"), row.names = FALSE, quote = FALSE)
scale(d[items]); agreement(d[items], d$target); d <- with_values(d, items); targets(d); units(d)

data <- "insteval"
d <- read.csv(file.path(folder, "insteval_ratings.csv")); d$target <- d$d; d$unit <- d$dept
d <- with_values(d, "y"); targets(d, 16); units(d)

out$value <- sprintf("%.17g", out$value)
write.csv(out, "scales.csv", row.names = FALSE, quote = FALSE)
