import { expect, it } from 'vitest';
import { croppedShare, isCropped } from '../../../src/client/crop.ts';

const photo = { width: 600, height: 400 };

it('a crop is the share of the photo that it removes', () => {
  const options = { crop: { x: 20, y: 0, width: 450, height: 400 } };
  expect(croppedShare({ options, photo })).toBe(0.25);
  expect(isCropped({ options, photo })).toBe(true);
});

it.each([
  ['the whole photo is shown', null],
  ['the crop is the whole photo', { x: 0, y: 0, ...photo }],
  ['only rounding is lost', { x: 1, y: 0, width: 597, height: 400 }],
])('no photo counts as cropped if %s', (_, crop) => {
  expect(isCropped({ options: { crop }, photo })).toBe(false);
});
