/** CLIP's vision tower with projection. Source: transformers models/clip/modeling_clip.py, CLIPVisionModelWithProjection. */
import type { ClipConfig } from '../model-config.ts';
import type { DialectFactory, Graph } from './ops.ts';
import type { Weights } from './weights.ts';

/** `pixels` [1, 3, 224, 224], normalized → `embedding` [1, projection], not scaled to unit length. */
export function clipGraph(dialect: DialectFactory, all: Weights, config: ClipConfig): Graph {
  const ops = dialect('image-encoder', all);
  const weights = all.at('vision_model');
  const { imageSize, heads, layerNormEps: epsilon } = config;
  const embeddings = weights.at('embeddings');
  const pixels = ops.inputFrames('pixels', 1, 3, imageSize, imageSize);
  let x = ops.patches(pixels, embeddings.at('patch_embedding')); // [1, 256, C]
  x = ops.prepend(x, embeddings, 'class_embedding'); // [1, 257, C]
  x = ops.addPerToken(x, ops.rows(embeddings, 'position_embedding.weight'));
  x = ops.layerNorm(x, weights.at('pre_layrnorm'), epsilon); // spelled as in the checkpoint
  for (let i = 0; i < config.layers; i++) {
    const layer = weights.at(`encoder.layers.${i}`);
    const attention = layer.at('self_attn');
    const normalized = ops.layerNorm(x, layer.at('layer_norm1'), epsilon);
    const [query, key, value] = ['q_proj', 'k_proj', 'v_proj'].map((name) => ops.linear(normalized, attention.at(name)));
    x = ops.sum(x, ops.linear(ops.attention(query!, key!, value!, heads), attention.at('out_proj')));
    const hidden = ops.gelu(ops.linear(ops.layerNorm(x, layer.at('layer_norm2'), epsilon), layer.at('mlp.fc1'))); // [1, 257, 4C]
    x = ops.sum(x, ops.linear(hidden, layer.at('mlp.fc2')));
  }
  x = ops.layerNorm(ops.first(x), weights.at('post_layernorm'), epsilon); // [1, 1, C]
  ops.output('embedding', [ops.linear(x, all.at('visual_projection'))]);
  return ops.finish();
}
