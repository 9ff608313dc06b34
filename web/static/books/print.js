// Adds "print" to the ways of a page; without JavaScript, the browser's own menu prints.
"use strict";
for (const ways of document.querySelectorAll(".ways")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.textContent = "print";
  button.addEventListener("click", () => window.print());
  ways.append(" · ", button);
}
