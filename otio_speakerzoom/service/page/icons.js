/** Small pictures for buttons, of our own, drawn in a square of 16 units. */

const PATHS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  previous: "M3 3h2v10H3zM13 3v10L6 8z",
  next: "M11 3h2v10h-2zM3 3v10l7-5z",
  loop: "M4 4h6V1.5L14 5l-4 3.5V6H6v3H4zM12 12H6v2.5L2 11l4-3.5V10h4V8.5h2z",
  lock: "M5 7V5a3 3 0 0 1 6 0v2h1v7H4V7zm1.5 0h3V5a1.5 1.5 0 0 0-3 0z",
  undo: "M7 3 2.5 7 7 11V8.5c3 0 5 .8 6.5 3.5C13 8 11 5.5 7 5.5z",
  redo: "M9 3l4.5 4L9 11V8.5c-3 0-5 .8-6.5 3.5C3 8 5 5.5 9 5.5z",
  sound: "M2 6h3l4-3v10L5 10H2zM11 5.5q2 2.5 0 5zM12.5 3.5q4 4.5 0 9l-.8-.9q3.2-3.6 0-7.2z",
  mute: "M2 6h3l4-3v10L5 10H2z"
    + "M10.5 6l1-1 1.5 1.5L14.5 5l1 1L14 7.5 15.5 9l-1 1L13 8.5 11.5 10l-1-1L12 7.5z",
  export: "M7 2h2v6h3l-4 4-4-4h3zM2 13h12v1.5H2z",
};

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {keyof typeof PATHS} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
