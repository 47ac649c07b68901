import { HollowmarkError } from '../base/errors.ts';
import { type Field, type Kind, type Message } from './schema.ts';

/**
 * The fields that a reader wants: `true` for a field with all that is in it, or those that are wanted of it, by their
 * names in JSON. Lists and maps are passed through: `{ items: { metadata: { name: true } } }`. `opaque` is for a message
 * that is only sent back as it came: an {@link Opaque} under protobuf.
 */
export type Selection = true | { readonly [name: string]: Selection | 'opaque' };

/** A message's bytes, which nobody has looked into: to be written under the codec that has read it. */
export class Opaque {
  /** Latin-1, a character for each byte: a string in the heap takes less than a buffer of its own. */
  readonly bytes: string;

  constructor(bytes: string) {
    this.bytes = bytes;
  }
}

/** How a field's value is found on the wire. Numbers: they are switched on for every field that is read. */
export const ops = {
  string: 0,
  bool: 1,
  int: 2,
  bytes: 3,
  Quantity: 4,
  Time: 5,
  MicroTime: 6,
  IntOrString: 7,
  JSON: 8,
  message: 9,
  opaque: 10,
} as const satisfies Record<Kind | 'opaque', number>;

export const places = { one: 0, list: 1, map: 2, inline: 3 } as const;

/** One field as the decoder meets it. */
export class PlannedField {
  readonly name: string;
  readonly op: number;
  readonly place: number;
  /** The wire type it must have. */
  readonly wireType: number;
  /** Whether JSON has it when it is zero. */
  readonly keepsZero: boolean;
  /** How to read the message in it. */
  readonly plan: Plan | undefined;

  constructor(field: Field, plan: Plan | undefined, isOpaque: boolean) {
    this.name = field.name;
    this.op = isOpaque ? ops.opaque : ops[field.kind];
    this.place =
      field.shape === 'list' || field.shape === 'map' || field.shape === 'inline'
        ? places[field.shape]
        : places.one;
    this.wireType = field.shape !== 'map' && (field.kind === 'int' || field.kind === 'bool') ? 0 : 2;
    this.keepsZero = field.always || field.shape !== 'value';
    this.plan = plan;
  }
}

/** How to read one message: its wanted fields by number. All others are passed over. */
export type Plan = {
  fields: (PlannedField | undefined)[];
  /** Fields that JSON has as null where the wire has none. */
  nulls: string[];
};

const wholePlans = new Map<Message, Plan>();

/** @throws HollowmarkError `internal` when the selection, at any depth, names a field that there is not. */
function planOf(message: Message, selection: Selection): Plan {
  if (selection === true) {
    const known = wholePlans.get(message);
    if (known !== undefined) return known;
  } else {
    const unknown = Object.keys(selection).find((name) => !hasField(message, name));
    if (unknown !== undefined)
      throw new HollowmarkError('internal', `no field ${unknown} in ${message.name}`);
  }
  return fieldsOf(message, selection);
}

function fieldsOf(message: Message, selection: Selection): Plan {
  const plan: Plan = { fields: [], nulls: [] };
  if (selection === true) wholePlans.set(message, plan);
  for (const field of message.fields) {
    const inline = field.shape === 'inline';
    const wanted = selection === true || inline ? selection : selection[field.name];
    if (wanted === undefined) continue;
    if (field.message === undefined && wanted !== true) {
      throw new HollowmarkError('internal', `no fields in ${field.name} of ${message.name}`);
    }
    // The names in a selection for inline fields are those of the message around them, too.
    const planOfField = inline && wanted !== true ? fieldsOf : planOf;
    const isOpaque = wanted === 'opaque';
    plan.fields[field.number] = new PlannedField(
      field,
      field.message === undefined || isOpaque ? undefined : planOfField(field.message, wanted),
      isOpaque,
    );
    if (field.always && field.shape !== 'value') plan.nulls.push(field.name);
  }
  return plan;
}

function hasField(message: Message, name: string): boolean {
  return message.fields.some(
    (field) =>
      field.name === name ||
      (field.shape === 'inline' && field.message !== undefined && hasField(field.message, name)),
  );
}

/** A reader's selection, made once and used for every object that it reads. */
export class View {
  private readonly selection: Selection;
  private readonly plans = new Map<Message, Plan>();

  constructor(selection: Selection) {
    this.selection = selection;
  }

  /**
   * How to read `message`. A Status is always read whole: it is an answer in place of the object.
   * @throws HollowmarkError `internal` when the selection, at any depth, names a field that there is not.
   */
  planOf(message: Message): Plan {
    let plan = this.plans.get(message);
    if (plan === undefined) {
      plan = planOf(message, message.name === 'Status' ? true : this.selection);
      this.plans.set(message, plan);
    }
    return plan;
  }
}

/** All of an object. */
export const everything = new View(true);
