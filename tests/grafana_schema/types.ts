// The types of a dashboard file: Grafana's, with the values of enumerations instead of their names.
import type { Dashboard, Panel } from "@grafana/schema";
import type { Options as Stat } from "./node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type {
  FieldConfig as Lines,
  Options as TimeSeries,
} from "./node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

type Common = Omit<Plain<Panel>, "type" | "options" | "fieldConfig">;
type Fields = NonNullable<Plain<Panel>["fieldConfig"]>;
type FieldsOf<Custom> = Omit<Fields, "defaults"> & {
  defaults: Omit<Fields["defaults"], "custom"> & { custom?: Partial<Plain<Custom>> };
};

type StatPanel = Common & { type: "stat"; options: Plain<Stat>; fieldConfig: FieldsOf<object> };
type TimeSeriesPanel = Common & {
  type: "timeseries";
  options: Plain<TimeSeries>;
  fieldConfig: FieldsOf<Lines>;
};

export type DashboardFile = Omit<Plain<Dashboard>, "panels"> & {
  panels: (StatPanel | TimeSeriesPanel)[];
};
