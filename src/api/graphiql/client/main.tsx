import './workers.ts';
import 'graphiql/style.css';
import './page.css';
import { GraphiQL } from 'graphiql';
import { useEffect, useMemo, useState, type FocusEvent, type FormEvent } from 'react';
import { createRoot } from 'react-dom/client';
import { connect } from './connection.ts';
import examplePhoto from './example.jpg';
import { defaultTabs } from './tabs.ts';

const KEY = 'fanslymotion:api-key';
/** The photo is Chelsea the cat, by Stéfan van der Walt (CC0). */
const TABS = defaultTabs(new URL('uploads', location.href).href, examplePhoto);

/** Separates tabs and settings from those of other playgrounds on this host and port. */
const storage = {
  get length() {
    return localStorage.length;
  },
  getItem: (name: string) => localStorage.getItem(`fanslymotion:${name}`),
  setItem: (name: string, value: string) => localStorage.setItem(`fanslymotion:${name}`, value),
  removeItem: (name: string) => localStorage.removeItem(`fanslymotion:${name}`),
  clear: () => localStorage.clear(),
};

function Page() {
  // Kept for this browser tab only.
  const [apiKey, setApiKey] = useState(() => sessionStorage.getItem(KEY) ?? '');
  const connection = useMemo(() => connect(apiKey), [apiKey]);
  useEffect(() => connection.close, [connection]);

  const use = (key: string) => {
    sessionStorage.setItem(KEY, key);
    setApiKey(key);
  };
  return (
    <GraphiQL fetcher={connection.fetcher} defaultTabs={TABS} defaultQuery="" storage={storage} defaultEditorToolsVisibility="variables">
      <GraphiQL.Logo>
        <div className="brand">
          <KeyField apiKey={apiKey} use={use} />
          <strong>FanslyMotion</strong>
        </div>
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

/** Applies the key on Enter or when the field loses focus; a new key reloads the schema and opens a new socket. */
function KeyField({ apiKey, use }: { apiKey: string; use: (key: string) => void }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    use(String(new FormData(event.currentTarget).get('apiKey')).trim());
  };
  const blur = (event: FocusEvent<HTMLInputElement>) => use(event.currentTarget.value.trim());
  return (
    <form className="key" onSubmit={submit}>
      <label htmlFor="api-key">API key</label>
      <input
        id="api-key"
        name="apiKey"
        type="password"
        defaultValue={apiKey}
        onBlur={blur}
        placeholder="only if the server requires one"
        autoComplete="off"
        spellCheck={false}
      />
    </form>
  );
}

const root = document.getElementById('page');
if (root) createRoot(root).render(<Page />);
