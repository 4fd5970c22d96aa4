# Chosen comparisons of two targets by R: rank tests, rates and Welch's test, for tests/analysis/test_chosen.py.
# Rscript tests/reference/chosen.R > tests/reference/chosen.csv
suppressPackageStartupMessages(library(coin))

cases <- list(
  plain = list(a = c(2, 5, 9, 20, 14), b = c(6, 9, 14, 12, 5)),
  apart = list(a = c(0, 1, 3, 30, 41), b = c(12, 20, 17, 6, 1)),
  small = list(a = c(0, 1, 2, 6, 5), b = c(2, 6, 8, 9, 4)),
  close = list(a = c(3, 4, 10, 25, 22), b = c(2, 6, 9, 27, 20))
)
out <- do.call(rbind, lapply(names(cases), function(name) {
  case <- cases[[name]]
  x <- rep(1:5, case$a); y <- rep(1:5, case$b)
  p <- if (min(length(x), length(y)) < 20) {
    data <- data.frame(v = c(x, y), g = factor(c(rep("a", length(x)), rep("b", length(y)))))
    as.numeric(pvalue(wilcox_test(v ~ g, data = data, distribution = "exact")))
  } else suppressWarnings(wilcox.test(x, y, exact = FALSE))$p.value
  above <- mean(outer(x, y, function(i, j) (i > j) + (i == j) / 2))
  agreed <- c(sum(x >= 4), sum(y >= 4)); n <- c(length(x), length(y))
  expected <- suppressWarnings(chisq.test(rbind(agreed, n - agreed)))$expected
  rate_p <- if (min(expected) < 5) fisher.test(rbind(agreed, n - agreed))$p.value else
    prop.test(agreed, n, correct = FALSE)$p.value
  t <- t.test(x, y)
  data.frame(name, p, above, rate = agreed[1] / n[1] - agreed[2] / n[2], rate_p,
             t = unname(t$statistic), df = unname(t$parameter), t_p = t$p.value, low = t$conf.int[1], high = t$conf.int[2])
}))
out$p_bh <- p.adjust(out$p, "BH")
out$t_holm <- p.adjust(out$t_p, "holm")
write.csv(format(out, digits = 17), row.names = FALSE, quote = FALSE)
