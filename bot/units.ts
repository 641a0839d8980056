/** Bytes of a size in megabytes, which are 10⁶ bytes each. */
export const megabytes = (count: number): number => count * 1_000_000;
