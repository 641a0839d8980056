/** Installs the git hooks of this folder in a contributor's clone: part of npm's `prepare` script. Does nothing in CI or without husky and git. */
if (process.env.CI === undefined && process.env.NODE_ENV !== 'production') {
  const husky = await import('husky').catch(() => null);
  const message = husky?.default();
  if (message) console.log(message);
}
