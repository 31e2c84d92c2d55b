/* Follows the style that a person chose in Cockpit (light, dark, or as the system has it), before anything is painted.
 * The stylesheet looks at the attribute that is set here and at nothing else. */
"use strict";
{
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  const apply = chosen => {
    const style = chosen || window.localStorage.getItem("shell:style") || "auto";
    const dark = style === "dark" || (style === "auto" && system.matches);

    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };

  window.addEventListener("storage", event => event.key === "shell:style" && apply());
  window.addEventListener("cockpit-style", event => apply(event.detail?.style));
  system.addEventListener("change", () => apply());
  apply();
}
