// A dashboard of schema v1 as Grafana publishes its types, made strict: an enum is the literals that
// it stands for, and each type of panel takes its own options and no others.
import type * as raw from 'grafana/raw/dashboard/x/dashboard_types.gen';
import type * as barchart from 'grafana/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as bargauge from 'grafana/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from 'grafana/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeline from 'grafana/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from 'grafana/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from 'grafana/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// prettier-ignore
type Plain<T> =
  T extends string ? (string extends T ? T : `${T}`)
  : T extends number | boolean | null | undefined ? T
  : T extends Array<infer One> ? Array<Plain<One>>
  : T extends object ? { [Key in keyof T]: Plain<T[Key]> }
  : T;

type Source = Required<Pick<raw.DataSourceRef, 'type' | 'uid'>>;
interface Influx {
  refId: string; datasource: Source; query: string; rawQuery: true;
  resultFormat: 'time_series' | 'table'; alias?: string;
}
interface Sql {
  refId: string; datasource: Source; rawSql: string; rawQuery: true;
  editorMode: 'code'; format: 'table';
}

type Field<Custom> = Omit<raw.FieldConfig, 'custom'> & { custom?: Custom };
// What an override may set: a field's own settings, and those of its type of panel as `custom.x`.
type Setting<Custom> =
  | { [Key in keyof raw.FieldConfig & string]: { id: Key; value: Required<raw.FieldConfig>[Key] } }[keyof raw.FieldConfig & string]
  | { [Key in keyof Custom & string]-?: { id: `custom.${Key}`; value: Required<Custom>[Key] } }[keyof Custom & string];
interface Override<Custom> { matcher: { id: 'byName'; options: string }; properties: Array<Setting<Custom>> }
type Common = Omit<raw.Panel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'datasource'> &
  Required<Pick<raw.Panel, 'id' | 'title' | 'description' | 'gridPos'>>;
type Panel<Type extends string, Options, Custom> = Plain<Common & {
  type: Type; datasource: Source; options: Options;
  fieldConfig: { defaults: Field<Custom>; overrides: Array<Override<Custom>> };
}> & { targets: Array<Influx | Sql> };
type AlertList = Plain<Common & {
  type: 'alertlist'; options: Record<string, unknown>; fieldConfig: raw.FieldConfigSource;
}>;

type AnyPanel =
  | Panel<'barchart', barchart.Options, barchart.FieldConfig>
  | Panel<'bargauge', bargauge.Options, {}>
  | Panel<'stat', stat.Options, {}>
  | Panel<'state-timeline', timeline.Options, timeline.FieldConfig>
  | Panel<'table', table.Options, table.FieldConfig>
  | Panel<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | AlertList;
type Row = Omit<raw.RowPanel, 'panels'> & { panels: AnyPanel[] };

export type Dashboard = Omit<Plain<raw.Dashboard>, 'panels'> & { panels: Array<AnyPanel | Row> };
