import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@/styles/tokens.css";
import "@/styles/base.css";
import { App } from "@/app";
import { initMessages } from "@/messages";
import { applySettings, useSettings } from "@/shell/settings";
import { allowEmptyMarkup } from "@/shell/trusted-types";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

allowEmptyMarkup();
applySettings();
await initMessages(useSettings.getState().language);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
