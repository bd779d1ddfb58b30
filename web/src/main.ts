import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/prose.css';
import { mount } from 'svelte';
import App from './App.svelte';

const target = document.getElementById('app')!;
target.replaceChildren(); // the name that stood there meanwhile
mount(App, { target });
