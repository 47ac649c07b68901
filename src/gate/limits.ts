/** How often a gate raises an alarm, over all of its rules, where nothing has become worse. */
export const falseAlarmsMax = 0.01;

/** How often a gate sees the smallest change that it says it can see. */
export const gatePower = 0.95;
