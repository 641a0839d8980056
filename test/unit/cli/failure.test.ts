import { describe, expect, it } from 'vitest';
import { reportedFailure, toFailure } from '../../../src/cli/failure.ts';
import { COMMAND_HINTS } from '../../../src/cli/hints.ts';
import { ApiError } from '../../../src/client/error.ts';

const NO_ENGINE = {
  code: 'ENGINE_UNAVAILABLE',
  message: 'No worker.',
  hint: 'Start a worker.',
  fault: 'OPERATOR',
  retry: 'LATER',
} as const;

describe('failures that the API reports', () => {
  it('name commands to run only for an API on this machine', () => {
    expect(reportedFailure(NO_ENGINE, false).hint).toContain('npm run start:worker');
    expect(reportedFailure(NO_ENGINE, true).hint).toBe('Choose another --engine, or run the command again later.');
    for (const { remote } of Object.values(COMMAND_HINTS)) expect(remote ?? '').not.toMatch(/\bnpm\b|fanslymotion (?!animate)/);
  });

  it('keep message, fault and retry of the API', () => {
    expect(toFailure(new ApiError('ENGINE_UNAVAILABLE', 'No worker.', NO_ENGINE)).body).toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: 'No worker.',
      fault: 'OPERATOR',
      retry: 'LATER',
    });
  });

  it('become INTERNAL with the hint of the API if only a newer API knows the code', () => {
    expect(reportedFailure({ ...NO_ENGINE, code: 'MELTED' }, false)).toMatchObject({ code: 'INTERNAL', hint: 'Start a worker.' });
  });
});
