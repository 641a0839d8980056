import { describe, expect, it } from 'vitest';
import { names } from '../../../src/catalog/catalog.ts';
import { AppError, ERRORS, toAppError } from '../../../src/jobs/errors.ts';

describe('the list of errors', () => {
  it('starts no further attempt after an error that a retry cannot resolve', () => {
    const contradictions = names(ERRORS).filter((code) => ERRORS[code].retry === 'NEVER' && ERRORS[code].anotherAttempt);
    expect(contradictions).toEqual([]);
  });

  it('lets the owner retry a job with an invalid model later, but not the worker', () => {
    const error = new AppError('MODEL_INVALID');
    expect(error.advice).toMatchObject({ fault: 'OPERATOR', retry: 'LATER' });
    expect(error.anotherAttemptHelps).toBe(false);
  });

  it('names no HTTP status and no shell command', () => {
    const texts = names(ERRORS).map((code) => `${ERRORS[code].message} ${ERRORS[code].hint}`);
    for (const text of texts) expect(text).not.toMatch(/\b[45]\d\d\b|\bnpm\b|fanslymotion|`/);
  });

  it('recognises a full disk', () => {
    expect(toAppError(Object.assign(new Error('write'), { code: 'ENOSPC' })).code).toBe('OUT_OF_SPACE');
    expect(toAppError(new Error('surprise')).code).toBe('INTERNAL');
  });
});
