// Browser notifications about runs that ask, for those who want them and look elsewhere.
import { useEffect, useRef, useState } from 'react';
import { remember, remembered } from '../app/preferences';
import { go } from '../app/router';

const name = 'notify';
const supported = () => typeof Notification !== 'undefined';
export const wantsNotifications = () => supported() && Notification.permission === 'granted' && remembered<boolean>(name, false);

export function useNotifications(waiting: number | undefined) {
  const before = useRef(waiting);
  useEffect(() => {
    const more = waiting !== undefined && before.current !== undefined && waiting > before.current;
    before.current = waiting ?? before.current;
    if (!more || !document.hidden || !wantsNotifications()) return;
    const told = new Notification('Weir', { body: waiting === 1 ? 'A run waits for a person' : `${waiting} runs wait for a person`, tag: 'weir-inbox' });
    told.onclick = () => {
      window.focus();
      go(['inbox']);
    };
  }, [waiting]);
}

/** Null where the browser has no notifications. */
export function useNotificationChoice(): { wanted: boolean; choose: (wanted: boolean) => void } | null {
  const [wanted, setWanted] = useState(wantsNotifications);
  if (!supported()) return null;
  const choose = async (next: boolean) => {
    const allowed = next && (await Notification.requestPermission()) === 'granted';
    remember(name, allowed);
    setWanted(allowed);
  };
  return { wanted, choose: next => void choose(next) };
}
