-- An everyday configuration of WezTerm, as people have them.
local wezterm = require 'wezterm'
local act = wezterm.action
local helpers = require 'wezterm-helpers'
local config = wezterm.config_builder and wezterm.config_builder() or {}

config:set_strict_mode(true)
config.font = wezterm.font_with_fallback { { family = 'JetBrains Mono', weight = 'Medium' }, 'Noto Color Emoji' }
config.font_size = wezterm.target_triple:find 'darwin' and 14.0 or 11.5
config.color_scheme = helpers.scheme(wezterm.gui and wezterm.gui.get_appearance() or 'Dark')
config.window_padding = { left = 2, right = 2, top = 0, bottom = 0 }
config.leader = { key = 'a', mods = 'CTRL', timeout_milliseconds = 1000 }
config.default_prog = { os.getenv 'SHELL' or '/bin/sh', '-l' }
config.hyperlink_rules = wezterm.default_hyperlink_rules()
table.insert(config, { regex = [[\b[tT](\d+)\b]], format = 'https://example.org/$1' })

config.keys = {
  { key = '|', mods = 'LEADER', action = act.SplitHorizontal { domain = 'CurrentPaneDomain' } },
  { key = 'c', mods = 'LEADER', action = act { SpawnTab = 'CurrentPaneDomain' } },
  { key = 'r', mods = 'LEADER', action = act.ActivateKeyTable { name = 'resize', one_shot = false } },
  {
    key = 'p',
    mods = 'LEADER',
    action = wezterm.action_callback(function(window, pane)
      window:perform_action(act.PasteFrom 'Clipboard', pane); pane:send_text '\n'
    end),
  },
}
for i = 1, 9 do
  table.insert(config.keys, { key = tostring(i), mods = 'LEADER', action = act.ActivateTab(i - 1) })
end
config.key_tables = { resize = { { key = 'h', action = act.AdjustPaneSize { 'Left', 1 } }, { key = 'Escape', action = 'PopKeyTable' } } }

wezterm.on('update-right-status', function(window, pane)
  window:set_right_status(wezterm.format { { Text = wezterm.strftime '%H:%M' } })
end)
wezterm.on('gui-startup', function(cmd) wezterm.mux.spawn_window(cmd or {}) end)
wezterm.log_info('loaded on ' .. wezterm.hostname() .. ' from ' .. wezterm.config_dir)

local icon = wezterm.nerdfonts.md_lock .. ' '
config.tab_bar_style = { new_tab = wezterm.format { { Text = icon } } }
config.initial_cols = 80 + #wezterm.nerdfonts.md_lock
for _, font in ipairs(wezterm.gui.enumerate_gpus()) do
  config.webgpu_preferred_adapter = font
end

config.ssh_domains = wezterm.default_ssh_domains()
config.quic_servers = { { bind_address = 'localhost:9001' } }
config.quic_clients = {
  { name = 'work', remote_address = 'work.example.org:9001', bootstrap_via_ssh = 'alice@work.example.org', remote_wezterm_path = '/opt/mux-quic' },
}
return config
