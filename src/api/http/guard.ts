/**
 * Checks of Host and Origin, and the headers that control what browsers do with responses.
 *
 * A server without API keys trusts every client that can reach it, so web pages of other sites must not reach it: neither through a name that
 * resolves to this machine (DNS rebinding) nor through cross-site requests and sockets. Therefore every Host and Origin is checked. With API
 * keys, a page without a key gets nothing anyway, and only the Origin of WebSockets is checked.
 */
import { isIP } from 'node:net';
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import cors from 'cors';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { Config } from '../../config.ts';
import { AppError } from '../../jobs/errors.ts';
import { ACT_AS_HEADER } from '../auth.ts';
import { errorBody, errorHeaders } from './errors.ts';
import { HTTP_STATUS } from './status.ts';

type GuardConfig = Pick<Config, 'API_KEYS' | 'ALLOW_ANONYMOUS' | 'PUBLIC_URL' | 'CORS_ORIGINS'>;

export interface Guard {
  /** The error if Host or Origin of a request is not allowed; null if both are. */
  check(request: Pick<IncomingMessage, 'headers'>, kind: 'http' | 'websocket'): AppError | null;
  /** Use before all routes. */
  readonly middleware: RequestHandler;
}

/** Creates the guard for a configuration. API_KEYS are those of the operator. */
export function createGuard(config: GuardConfig): Guard {
  const origins = new Set([...config.CORS_ORIGINS, ...(config.PUBLIC_URL ? [new URL(config.PUBLIC_URL).origin] : [])]);
  const names = new Set([...origins].map((origin) => new URL(origin).hostname));
  const open = config.API_KEYS.length === 0;

  const isOurHost = (host: URL | null): boolean =>
    // Unlike a name, an address cannot be rebound.
    host !== null && (isLoopback(host.hostname) || names.has(host.hostname) || (config.ALLOW_ANONYMOUS && isAddress(host.hostname)));

  const isOurOrigin = (text: string, host: string | undefined): boolean => {
    const origin = parseUrl(text);
    if (!origin || origin.origin !== text || !/^https?:$/.test(origin.protocol)) return false;
    return isLoopback(origin.hostname) || origins.has(text) || origin.host === hostOf(host, origin.protocol)?.host;
  };

  const check: Guard['check'] = ({ headers: { host, origin } }, kind) => {
    if (open && !isOurHost(hostOf(host))) {
      return new AppError(
        'FORBIDDEN',
        `This server has no API keys and does not accept the host ${quote(host)}. Set PUBLIC_URL to the address clients use, or API_KEYS.`,
      );
    }
    if ((open || kind === 'websocket') && origin !== undefined && !isOurOrigin(origin, host)) {
      return new AppError('FORBIDDEN', `Pages from ${quote(origin)} may not use this server. Add the origin to CORS_ORIGINS.`);
    }
    return null;
  };
  return {
    check,
    middleware: (request, _response, next) => {
      next(check(request, 'http') ?? undefined);
    },
  };
}

/** Responds to an upgrade request with an error and closes its socket. */
export function refuseUpgrade(socket: Duplex, error: AppError): void {
  const status = HTTP_STATUS[error.code];
  const body = JSON.stringify(errorBody(error));
  const headers = {
    ...errorHeaders(error),
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  };
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n${body}`,
    () => socket.destroy(),
  );
}

/** Lets browsers call the API from the origins in CORS_ORIGINS and from no other. */
export function corsFor({ CORS_ORIGINS }: Pick<Config, 'CORS_ORIGINS'>): RequestHandler {
  return cors({
    origin: CORS_ORIGINS.length > 0 ? [...CORS_ORIGINS] : false,
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', ACT_AS_HEADER, 'Apollo-Require-Preflight', 'Range', 'If-Range'],
    exposedHeaders: ['Accept-Ranges', 'Content-Disposition', 'Content-Range', 'ETag', 'Retry-After'],
    maxAge: 600,
  });
}

/**
 * Security headers of every response. The content security policy allows what GraphiQL's page needs: resources from this server, inline
 * styles of its editor, and fonts and icons embedded in its style sheet.
 */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        fontSrc: ["'self'", 'data:'],
        imgSrc: ["'self'", 'data:'],
        mediaSrc: ["'self'"],
        connectSrc: ["'self'"],
        workerSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // The proxy that terminates HTTPS decides whether the host uses HTTPS only.
    strictTransportSecurity: false,
  });
}

/**
 * Refuses to listen on an address that other machines can reach if there are no API keys.
 * @throws AppError FORBIDDEN that says how to allow it
 */
export function assertListenAllowed({ HOST, API_KEYS, ALLOW_ANONYMOUS }: Pick<Config, 'HOST' | 'API_KEYS' | 'ALLOW_ANONYMOUS'>): void {
  if (API_KEYS.length > 0 || ALLOW_ANONYMOUS || isLoopback(HOST)) return;
  throw new AppError(
    'FORBIDDEN',
    `HOST=${HOST} lets other machines reach the API, but there are no API keys. Set API_KEYS=name:secret (16 characters or more), or HOST=127.0.0.1, or ALLOW_ANONYMOUS=1 if every client that can reach the port may use it.`,
  );
}

/** @param hostname as URL gives it or an operator types it: `::1` with or without brackets */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}

function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

/** Parses a Host header as browsers do; null if it is malformed. */
function hostOf(header: string | undefined, protocol = 'http:'): URL | null {
  return header === undefined || /[\s/\\?#@]/.test(header) ? null : parseUrl(`${protocol}//${header}`);
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

function quote(text: string | undefined): string {
  return text === undefined ? '(none)' : JSON.stringify(text.slice(0, 100));
}
