import { post } from '../api/http';
import type { HandlerItem } from '../api/types';
import { segment } from '../common/segment';

const atOnce = 4; // a browser has six connections to a server

/** Cancels or purges; returns what the server said of those that could not be. */
export async function endAll(handlers: HandlerItem[], purge: boolean): Promise<string[]> {
  const failed: string[] = [];
  const left = [...handlers];
  const work = async () => {
    for (let handler = left.pop(); handler; handler = left.pop()) {
      try {
        await post(`/handlers/${segment(handler.handler_id)}/cancel${purge ? '?purge=true' : ''}`);
      } catch (error) {
        failed.push(`${handler.handler_id}: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failed;
}
