/** A process that answers every message on `call` with the same message on `echo`. */
import { openBus, type BusSettings } from '../../src/infra/bus/bus.ts';

const bus = openBus(JSON.parse(process.argv[2] ?? '') as BusSettings);
await bus.subscribe('call', (message) => void bus.publish('echo', message));
process.send?.('listening');
