declare module '*.css';

declare module '*.jpg' {
  /** A data URL. */
  const url: string;
  export default url;
}

/** File names of the editor's web workers, filled in by bundle.mjs. */
declare const WORKER_FILES: { readonly editor: string; readonly graphql: string; readonly json: string };
