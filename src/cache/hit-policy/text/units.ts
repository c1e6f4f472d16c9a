/** Units and currencies under one name each: `kilometres`, `kms` and `km` are one unit, `km` and `m` are two. */

const named = {
  percent: '% percent',
  pound: 'pound pounds',
  km: 'km kms kilometer kilometers kilometre kilometres',
  m: 'm meter meters metre metres',
  cm: 'cm centimeter centimeters centimetre centimetres',
  mm: 'mm millimeter millimeters millimetre millimetres',
  mile: 'mi mile miles',
  ft: 'ft foot feet',
  inch: 'inch inches',
  yard: 'yd yard yards',
  acre: 'acre acres',
  hectare: 'ha hectare hectares',
  kg: 'kg kgs kilo kilos kilogram kilograms kilogramme kilogrammes',
  g: 'g gr gram grams gramme grammes',
  mg: 'mg milligram milligrams',
  mcg: 'mcg µg microgram micrograms',
  lb: 'lb lbs',
  oz: 'oz ounce ounces',
  stone: 'stone stones',
  tonne: 'tonne tonnes',
  ton: 'ton tons',
  l: 'l liter liters litre litres',
  ml: 'ml milliliter milliliters millilitre millilitres',
  gallon: 'gal gallon gallons',
  pint: 'pint pints',
  cup: 'cup cups',
  tbsp: 'tbsp tablespoon tablespoons',
  tsp: 'tsp teaspoon teaspoons',
  ms: 'ms millisecond milliseconds',
  s: 's sec secs second seconds',
  min: 'min mins minute minutes',
  h: 'h hr hrs hour hours hourly',
  day: 'd day days daily',
  week: 'wk wks week weeks weekly',
  month: 'month months monthly',
  year: 'yr yrs year years yearly annual annually',
  decade: 'decade decades',
  celsius: 'c celsius °c centigrade',
  fahrenheit: 'f fahrenheit °f',
  kelvin: 'kelvin kelvins',
  degree: 'degree degrees °',
  byte: 'byte bytes',
  bit: 'bit bits',
  kb: 'kb kilobyte kilobytes',
  mb: 'mb megabyte megabytes',
  gb: 'gb gigabyte gigabytes',
  tb: 'tb terabyte terabytes',
  kib: 'kib',
  mib: 'mib',
  gib: 'gib',
  kbps: 'kbps',
  mbps: 'mbps',
  gbps: 'gbps',
  mph: 'mph',
  kmh: 'kmh kph',
  knot: 'knot knots',
  watt: 'w watt watts',
  kw: 'kw kilowatt kilowatts',
  kwh: 'kwh',
  volt: 'v volt volts',
  amp: 'amp amps ampere amperes',
  mah: 'mah',
  hz: 'hz hertz',
  khz: 'khz kilohertz',
  mhz: 'mhz megahertz',
  ghz: 'ghz gigahertz',
  calorie: 'cal calorie calories',
  kcal: 'kcal kilocalorie kilocalories',
  joule: 'joule joules',
  psi: 'psi',
  kpa: 'kpa',
  db: 'db decibel decibels',
  px: 'px pixel pixels',
  rem: 'rem',
  em: 'em',
  pt: 'pt',
  rpm: 'rpm',
} as const;

const money = {
  usd: '$ usd dollar dollars bucks',
  eur: '€ eur euro euros',
  gbp: '£ gbp quid',
  jpy: '¥ jpy yen',
  inr: '₹ inr rs rupee rupees',
  chf: 'chf',
  cad: 'cad',
  aud: 'aud',
  cny: 'cny rmb yuan renminbi',
  krw: 'krw won',
  brl: 'brl',
  mxn: 'mxn peso pesos',
  sek: 'sek krona kronor',
  nok: 'nok',
  dkk: 'dkk',
  pln: 'pln zloty zlotys',
  rub: 'rub ruble rubles rouble roubles',
  try: 'lira liras',
  btc: 'btc bitcoin bitcoins',
  eth: 'eth ether',
  cent: 'cent cents',
} as const;

/** Name as written, lower case → unit. */
export const units: ReadonlyMap<string, string> = tableOf({ ...named, ...money });
export const currencies: ReadonlySet<string> = new Set(Object.keys(money));

/** Letters that are units only when glued to the number: apart they are words or names. */
export const gluedOnly: ReadonlySet<string> = new Set(
  'c f v w s h l g m d gr ha em pt rem won ether bar stone stones'.split(' '),
);

/**
 * Names that are units where no number stands beside them too ("in celsius", "how many miles"). Those with
 * another everyday meaning are left out: second, minute, foot, stone, degree, cup, bit, pint, won.
 */
export const standAlone: ReadonlySet<string> = new Set(
  `percent km kms kilometer kilometers kilometre kilometres meters metres cm centimeters centimetres mm millimeters
   millimetres mile miles feet inches yards acres hectares kg kgs kilos kilogram kilograms gram grams mg milligrams
   micrograms lb lbs pounds oz ounces tonnes tons liter liters litre litres ml milliliters millilitres gallon gallons
   pints tbsp tablespoon tablespoons tsp teaspoon teaspoons milliseconds seconds minutes hours hour hourly day days daily week weeks weekly month months monthly year years
   yearly annual annually
   decades celsius centigrade fahrenheit kelvin bytes bits kb kilobytes mb megabytes gb gigabytes tb terabytes mbps gbps
   mph kmh kph knots watts kilowatts kwh volts amps hertz mhz ghz calories kcal kilojoules joules psi kpa decibels px
   pixels usd dollar dollars eur euro euros gbp jpy yen inr rupee rupees chf cad aud cny yuan krw mxn peso pesos sek
   krona pln zloty rubles btc bitcoin`.split(/\s+/),
);

function tableOf(names: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const table = new Map<string, string>();
  for (const [unit, written] of Object.entries(names)) for (const name of written.split(' ')) table.set(name, unit);
  return table;
}
