// The server's types, generated from its OpenAPI document (npm run types).
import type { components } from './schema';

export type Schemas = components['schemas'];
export type Handler = Schemas['Handler'];
export type HandlerItem = Schemas['HandlerItem'];
export type HandlerDetail = Schemas['HandlerDetail'];
export type AwaitedEvent = Schemas['AwaitedEvent'];
export type HandlersPage = Schemas['HandlersPage'];
export type WorkflowDetail = Schemas['WorkflowDetail'];
export type Graph = Schemas['Graph'];
export type GraphNode = Schemas['GraphNode'];
export type RunExport = Schemas['RunExport'];
export type UiConfig = Schemas['UiConfig'];
export type Status = HandlerItem['status'];
export type JsonSchema = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- any JSON Schema
