'use strict';
// The table of runs: sorted, filtered and paged here. Its state is the address after #, e.g.
// #sort=score&order=descending&arm=rms_norm&page=2, so that what is seen can be kept and sent.
(() => {
  const data = JSON.parse(document.getElementById('runs-data').textContent);
  const {columns, words, page: size} = data;
  const FILTERS = ['arm', 'task', 'phase', 'replicate', 'optimizer', 'status'];
  const find = id => document.getElementById(id);
  const make = (tag, parent, props) => parent.appendChild(Object.assign(document.createElement(tag), props));
  const place = name => columns.indexOf(name);
  const wordy = i => columns[i] in words || columns[i] === 'id';
  const text = (row, i) => row[i] === null ? '\u2013' : columns[i] in words ? words[columns[i]][row[i]] : String(row[i]);
  const body = document.querySelector('#table-of-runs tbody'), head = document.querySelector('#table-of-runs thead tr');
  const controls = find('controls'), selects = {};
  let state = {};

  const options = name => {
    if (name in words) return words[name];
    const numbers = new Set(data.rows.map(row => row[place(name)]));
    return [...numbers].filter(value => value !== null).sort((a, b) => a - b).map(String);
  };
  for (const name of FILTERS) {
    const select = selects[name] = make('select', make('label', controls, {textContent: name}), {name});
    make('option', select, {value: '', textContent: 'all'});
    for (const word of options(name)) make('option', select, {value: word, textContent: word});
    select.onchange = () => change({[name]: select.value, page: ''});
  }
  const search = make('input', make('label', controls, {textContent: 'id or note contains'}), {type: 'search', name: 'find'});
  search.oninput = () => change({find: search.value, page: ''});
  make('button', controls, {type: 'button', id: 'all-runs', textContent: 'Show all runs'}).onclick = () => {
    state = {};
    change({});
  };

  columns.forEach((name, i) => {
    const th = make('th', head, {scope: 'col', className: wordy(i) ? 'word' : ''});
    const button = make('button', th, {type: 'button', textContent: name.replace(/_/g, ' ')});
    button.setAttribute('aria-label', `sort by ${name.replace(/_/g, ' ')}`);
    button.onclick = () => {
      const down = state.sort === name && state.order !== 'descending';
      change({sort: name, order: down ? 'descending' : 'ascending', page: ''});
    };
  });

  const read = () => {
    const given = new URLSearchParams(location.hash.slice(1)), known = {};
    for (const name of ['sort', 'order', 'find', 'page', ...FILTERS]) if (given.get(name)) known[name] = given.get(name);
    return known;
  };
  const change = changes => {
    state = Object.fromEntries(Object.entries({...state, ...changes}).filter(([, value]) => value));
    const address = new URLSearchParams(state).toString();
    // Pages inside a frame or an archive may not be allowed to change their address; the table works all the same.
    try { history.replaceState(null, '', address ? `#${address}` : '#runs'); } catch (error) { if (!(error instanceof DOMException)) throw error; }
    show();
  };

  const matching = () => {
    const wanted = (state.find || '').trim().toLowerCase(), id = place('id'), note = place('note');
    const chosen = FILTERS.filter(name => name in state).map(name => [place(name), state[name]]);
    const kept = data.rows.filter(row =>
      chosen.every(([i, value]) => text(row, i) === value) &&
      (!wanted || row[id].toLowerCase().includes(wanted) || text(row, note).toLowerCase().includes(wanted)));
    const i = place(state.sort), way = state.order === 'descending' ? -1 : 1;
    if (i < 0) return kept;
    const order = wordy(i) ? (a, b) => text(a, i) < text(b, i) ? -1 : text(a, i) > text(b, i) ? 1 : 0 : (a, b) => a[i] - b[i];
    // What has no number stands last, either way.
    return kept.sort((a, b) => a[i] === null || b[i] === null ? (a[i] === null) - (b[i] === null) : way * order(a, b));
  };

  const show = () => {
    const kept = matching(), pages = Math.max(1, Math.ceil(kept.length / size));
    const number = Math.min(Math.max(1, Math.trunc(Number(state.page)) || 1), pages), start = (number - 1) * size;
    const rows = document.createDocumentFragment();
    for (const row of kept.slice(start, start + size)) {
      const tr = make('tr', rows, {});
      row.forEach((_, i) => make('td', tr, {className: wordy(i) ? 'word' : '', textContent: text(row, i)}));
    }
    body.replaceChildren(rows);
    for (const name of FILTERS) selects[name].value = state[name] || '';
    if (search.value !== (state.find || '')) search.value = state.find || '';
    head.querySelectorAll('th').forEach((th, i) =>
      th.setAttribute('aria-sort', columns[i] !== state.sort ? 'none' : state.order === 'descending' ? 'descending' : 'ascending'));
    const whole = n => n.toLocaleString('en');
    find('shown').textContent = kept.length
      ? `Runs ${whole(start + 1)} to ${whole(Math.min(start + size, kept.length))} of ${whole(kept.length)}` +
        (kept.length < data.rows.length ? ` (${whole(data.rows.length)} in all)` : '')
      : 'No run matches.';
    find('previous').disabled = number === 1;
    find('next').disabled = number === pages;
    find('previous').onclick = () => change({page: number - 1 > 1 ? String(number - 1) : ''});
    find('next').onclick = () => change({page: String(number + 1)});
  };

  // On paper nothing can be opened.
  window.addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(one => { one.open = true; }));

  // A link within the page changes the address too; only one that holds a state is about the table.
  window.addEventListener('hashchange', () => { if (location.hash.includes('=')) { state = read(); show(); } });
  state = read();
  find('explorer').hidden = false;
  show();
  if (location.hash.includes('=')) find('runs').scrollIntoView({behavior: 'instant'});
})();
