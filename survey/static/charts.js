/* Puts plotly.js on top of the server-made charts, each once it comes into sight. Every page works without it. */
"use strict";

(() => {
  const own = document.currentScript.dataset;
  const config = {
    displaylogo: false,
    showSendToCloud: false,
    plotlyServerURL: "",
    responsive: true,
    doubleClick: false,
    locale: own.language.startsWith("zh") ? "zh-CN" : "en",
    modeBarButtons: [["toImage"]],
    toImageButtonOptions: { format: "png", scale: 2 },
  };
  let library;

  const loadLibrary = () => {
    library ||= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = own.plotly;
      script.onload = () => {
        const dictionary = {
          "Download plot as a PNG": own.download,
          "Download plot": own.download,
          "Taking snapshot - this may take a few seconds": own.saving,
          "Snapshot succeeded": own.saved,
        };
        for (const name of ["zh-CN", "en"]) window.Plotly.register({ moduleType: "locale", name, dictionary, format: {} });
        resolve(window.Plotly);
      };
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  };

  const draw = async (figure) => {
    try {
      const [plotly, answer] = await Promise.all([
        loadLibrary(),
        fetch(figure.dataset.chart, { headers: { Accept: "application/json" } }),
      ]);
      if (!answer.ok || answer.redirected) return;
      const { data, layout } = await answer.json();
      const plot = figure.querySelector(".plot");
      plot.hidden = false;
      await plotly.newPlot(plot, data, layout, config);
      // A group, no picture: the button that saves it stands inside.
      plot.setAttribute("role", "group");
      plot.setAttribute("aria-label", layout.meta.label);
      figure.querySelector(".drawing").hidden = true;
      figure.dataset.drawn = "";
    } catch (error) {
      // The server-made chart stays.
      figure.querySelector(".plot").hidden = true;
    }
  };

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "200px" });
  for (const figure of document.querySelectorAll("figure[data-chart]")) seen.observe(figure);
})();
