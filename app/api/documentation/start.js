"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  persistAuthorization: true,
  plugins: [Additions],
  tryItOutEnabled: true,
  onComplete: () => {
    // The page names a key in local mode only. Whoever has given another one keeps it.
    const key = document.querySelector(".key code")?.textContent;
    if (key && !ui.authSelectors.authorized().size) ui.preauthorizeApiKey("apiKey", key);
  },
});
