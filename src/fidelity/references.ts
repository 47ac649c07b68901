/** The nodes that hollow ones are compared with. Hollow ones show how much the measure itself varies. */
export const references = ['kubelet', 'kubemark', 'hollow'] as const;

export type Reference = (typeof references)[number];
