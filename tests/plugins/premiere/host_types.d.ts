/** The modules that Premiere gives a panel, for tsc: the one with Adobe's own types, and UXP's. */

declare module "premierepro" {
  const premiere: import("@adobe/premierepro").premierepro;
  export = premiere;
}

declare module "uxp" {
  const uxp: any;
  export = uxp;
}

declare function require(name: "premierepro"): import("@adobe/premierepro").premierepro;
declare function require(name: string): any;
declare const module: { exports: any };
