import { isOutOfReach } from '../../infra/postgres/db.ts';
import { AppError, toAppError } from '../../jobs/errors.ts';

/** Any error as one of the list; a database out of reach is UNAVAILABLE and not our mistake. */
export function knownError(error: unknown): AppError {
  return isOutOfReach(error) ? new AppError('UNAVAILABLE', undefined, {}, error) : toAppError(error);
}
