/** The module of the package as browsers get it; its own types describe the one for CommonJS. */
declare module 'htm' {
  const htm: {
    bind<Result>(
      h: (type: never, props: never, ...children: never[]) => Result,
    ): (strings: TemplateStringsArray, ...values: unknown[]) => Result | Result[];
  };
  export default htm;
}
