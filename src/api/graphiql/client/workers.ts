/** The web workers of Monaco, the editor. They are served by the API itself, so that the content security policy needs no exception. */
const start = (file: string): Worker => new Worker(new URL(file, import.meta.url));

Object.assign(globalThis, {
  MonacoEnvironment: {
    getWorker(_id: string, label: string): Worker {
      if (label === 'graphql') return start(WORKER_FILES.graphql);
      if (label === 'json') return start(WORKER_FILES.json);
      return start(WORKER_FILES.editor);
    },
  },
});
