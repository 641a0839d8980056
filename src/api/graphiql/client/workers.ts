/** Monaco, the editor, does its thinking in web workers. They are files of our own, so that the content policy needs no exception. */
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
