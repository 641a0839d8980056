/** Computes the types and shapes of all values of a model, for the operators that the dialects and expansions use. */
import { intsOf, floatsOf, type Model, type ModelInitializer, type ModelNode } from './model.ts';
import { TYPE, type ElementType, type TensorSpec } from './onnx.ts';

export interface TensorType {
  readonly type: ElementType;
  readonly shape: readonly number[];
}

type Shape = readonly number[];
type Infer = (node: ModelNode, shapes: readonly Shape[], constant: (input: number) => ModelInitializer) => Shape[];

const sameAsFirst: Infer = ({ outputs }, [x]) => outputs.map(() => x!);
const broadcasting: Infer = (_, [x, y]) => [broadcast(x!, y!)];

/** By operator. An operator with the same name in two domains has the same shapes, but for the layout of Conv. */
const OPERATORS: Readonly<Record<string, Infer>> = {
  Add: broadcasting,
  Sub: broadcasting,
  Mul: broadcasting,
  Div: broadcasting,
  BiasAdd: sameAsFirst,
  BiasSplitGelu: (_, [x]) => [[...x!.slice(0, -1), x!.at(-1)! / 2]],
  Cast: sameAsFirst,
  Concat: ({ attributes }, shapes) => {
    const axis = attributes['axis'] as number;
    return [
      shapes[0]!.with(
        axis,
        shapes.reduce((sum, shape) => sum + shape[axis]!, 0),
      ),
    ];
  },
  Conv: ({ domain, attributes }, [x, weight]) => {
    const [first, channelsAt] = domain === '' ? [2, 1] : [1, 3];
    const [kernel, pads, strides] = ['kernel_shape', 'pads', 'strides'].map((name) => attributes[name] as readonly number[]);
    const result = x!.with(channelsAt, weight![0]!).map((side, i) => {
      const axis = i - first;
      if (axis !== 0 && axis !== 1) return side;
      return Math.floor((side + pads![axis]! + pads![axis + 2]! - kernel![axis]!) / strides![axis]!) + 1;
    });
    return [result];
  },
  Expand: (_, [x], constant) => [broadcast(x!, intsOf(constant(1)))],
  Gelu: sameAsFirst,
  Gemm: (_, [a, weight]) => [[a![0]!, weight![0]!]],
  GroupNorm: sameAsFirst,
  Identity: sameAsFirst,
  InstanceNormalization: sameAsFirst,
  LayerNormalization: sameAsFirst,
  MultiHeadAttention: sameAsFirst,
  QuickGelu: sameAsFirst,
  ReduceMean: (_, [x], constant) => {
    const axes = intsOf(constant(1)).map((axis) => (axis + x!.length) % x!.length);
    return [x!.map((side, axis) => (axes.includes(axis) ? 1 : side))];
  },
  Reshape: (_, [x], constant) => {
    const target = intsOf(constant(1));
    const known = target.reduce((product, side) => product * (side === -1 ? 1 : side), 1);
    return [target.map((side) => (side === -1 ? size(x!) / known : side))];
  },
  Resize: (_, [x], constant) => {
    const scales = floatsOf(constant(2));
    return [x!.map((side, axis) => side * scales[axis]!)];
  },
  Sigmoid: sameAsFirst,
  SkipGroupNorm: sameAsFirst,
  SkipLayerNormalization: sameAsFirst,
  Slice: (_, [x], constant) => {
    const [starts, ends, axes] = [1, 2, 3].map((input) => intsOf(constant(input)));
    return [axes!.reduce<Shape>((shape, axis, i) => shape.with(axis, ends![i]! - starts![i]!), x!)];
  },
  Split: ({ attributes }, [x], constant) => intsOf(constant(1)).map((side) => x!.with(attributes['axis'] as number, side)),
  Sqrt: sameAsFirst,
  Transpose: ({ attributes }, [x]) => [(attributes['perm'] as readonly number[]).map((axis) => x![axis]!)],
};

/**
 * @param inputs the graph's; the model's own may leave dimensions open
 * @returns type and shape by name
 * @throws RangeError for an operator that is not listed here
 */
export function inferShapes({ nodes, initializers }: Model, inputs: readonly TensorSpec[]): ReadonlyMap<string, TensorType> {
  const constants = new Map(initializers.map((initializer) => [initializer.name, initializer]));
  const known = new Map<string, TensorType>(constants);
  for (const { name, shape } of inputs) known.set(name, { type: 'fp32', shape });
  for (const node of nodes) {
    const infer = OPERATORS[node.type];
    if (!infer) throw new RangeError(`the shapes of ${node.type} are not known`);
    const types = node.inputs.map((input) => known.get(input));
    const shapes = infer(
      node,
      types.map((type) => type?.shape ?? []),
      (input) => constants.get(node.inputs[input]!)!,
    );
    const type = node.type === 'Cast' ? elementType(node.attributes['to'] as number) : types[0]!.type;
    node.outputs.forEach((output, i) => {
      if (output) known.set(output, { type, shape: shapes[i]! });
    });
  }
  return known;
}

const size = (shape: Shape): number => shape.reduce((product, side) => product * side, 1);

function broadcast(x: Shape, y: Shape): Shape {
  const rank = Math.max(x.length, y.length);
  return Array.from({ length: rank }, (_, i) => {
    const [a, b] = [x, y].map((shape) => shape[i - rank + shape.length] ?? 1) as [number, number];
    if (a !== b && a !== 1 && b !== 1) throw new RangeError(`shapes [${x.join()}] and [${y.join()}] cannot be combined`);
    return Math.max(a, b);
  });
}

function elementType(number: number): ElementType {
  return (Object.keys(TYPE) as ElementType[]).find((name) => TYPE[name] === number)!;
}
