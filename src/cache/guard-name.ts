/** Each speaks against reuse for one kind of difference between two texts; see `hit-policy/guards/`. */
export type GuardName =
  | 'number'
  | 'unit'
  | 'currency'
  | 'date'
  | 'version'
  | 'negation'
  | 'antonym'
  | 'entity'
  | 'order'
  | 'content'
  | 'wh'
  | 'language'
  | 'format'
  | 'code';
