/** What a gateway that rents machines loads beside the others. */
export { createFleet } from './fleet.ts';
export { createFleetMoney } from './fleet-money.ts';
