import { describe, expect, it } from 'vitest';
import type { DeviceProbe } from '../../../../worker/svd/runtime/probe.ts';
import { BACKENDS, findBackend } from '../../../../worker/svd/runtime/backends.ts';
import { expandDevices } from '../../../../worker/devices.ts';

const probe = (fp16: boolean): DeviceProbe => ({ available: true, reason: 'A GPU.', hardware: true, fp16 });

describe('WORKER_DEVICES', () => {
  it.each([
    [['auto'], ['cpu']],
    [['auto', 'cpu'], ['cpu']],
    [
      ['cuda', 'webgpu', 'cuda:0', 'cuda:1'],
      ['cuda:0', 'webgpu', 'cuda:1'],
    ],
  ])('%j expands to %j', (named, devices) => {
    expect(expandDevices(named)).toEqual(devices);
  });
});

describe('a compute backend', () => {
  it('is found by the name of a device, with or without an index', () => {
    expect(findBackend('webgpu')).toEqual({ backend: BACKENDS.webgpu, index: 0 });
    expect(findBackend('cuda:3')).toEqual({ backend: BACKENDS.cuda, index: 3 });
    expect(findBackend('webgpu:1')).toEqual({ backend: BACKENDS.webgpu, index: 1 });
    expect(findBackend('toString')).toBeNull();
  });

  it.each(Object.entries(BACKENDS))('is named like its key: %s', (key, { name }) => {
    expect(name).toBe(key);
  });

  it('computes in fp32 on the CPU, whatever SVD_PRECISION says', () => {
    expect(BACKENDS.cpu.precision('fp16', probe(true))).toBe('fp32');
  });

  it('computes in fp16 on CUDA unless SVD_PRECISION says fp32', () => {
    expect(BACKENDS.cuda.precision('auto', probe(true))).toBe('fp16');
    expect(BACKENDS.cuda.precision('fp32', probe(true))).toBe('fp32');
  });

  it('computes in fp16 on WebGPU if SVD_PRECISION says so, or by default if the GPU supports it', () => {
    expect(BACKENDS.webgpu.precision('auto', probe(true))).toBe('fp16');
    expect(BACKENDS.webgpu.precision('auto', probe(false))).toBe('fp32');
    expect(BACKENDS.webgpu.precision('fp32', probe(true))).toBe('fp32');
    expect(BACKENDS.webgpu.precision('fp16', probe(false))).toBe('fp16');
  });
});
