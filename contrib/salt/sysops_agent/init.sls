{#- Installs sysops-agent, writes its config, and enables the timer that pushes.
    pillar.example lists what the pillar sysops_agent may hold.

    Nothing is watched: each run of the timer reads the config anew, and a push at the
    moment of a change would be one of the whole fleet at once. #}
{%- set pillar = salt['pillar.get']('sysops_agent', {}) %}
{%- set binary = pillar.get('binary', '/usr/bin/sysops-agent') %}
{%- set config_dir = pillar.get('config_dir', '/etc/sysops') %}
{%- set outgoing = pillar.get('outgoing', '/var/lib/sysops/outgoing') %}
{%- set user = pillar.get('owner', 'root') %}
{%- set group = pillar.get('group', 'root') %}
{%- set package = pillar.get('package', 'sysops-agent') %}

{#- What else stands in config.yaml wins over what the pillar says by itself. #}
{%- set redis = {} %}
{%- if pillar.get('user') %}{% do redis.update({'user': pillar['user']}) %}{% endif %}
{%- if pillar.get('password') %}{% do redis.update({'password_file': config_dir ~ '/password'}) %}{% endif %}
{%- if pillar.get('ca') %}{% do redis.update({'ca_file': config_dir ~ '/ca.pem'}) %}{% endif %}
{%- set config = {'agent': {'outgoing': outgoing}} %}
{%- if redis %}{% do config.update({'redis': redis}) %}{% endif %}
{%- if pillar.get('servers') %}{% do config.update({'server': pillar['servers']}) %}{% endif %}
{%- for section, value in pillar.get('config', {}).items() %}
{%- if value is mapping and config.get(section) is mapping %}
{%- do config[section].update(value) %}
{%- else %}
{%- do config.update({section: value}) %}
{%- endif %}
{%- endfor %}

{%- if package %}
sysops-agent-package:
  pkg.installed:
    - name: {{ package | json }}
    - require_in:
      - file: sysops-agent-config-dir
{%- endif %}

sysops-agent-config-dir:
  file.directory:
    - name: {{ config_dir | json }}
    - user: {{ user | json }}
    - group: {{ group | json }}
    - mode: '0755'

{%- if pillar.get('password') %}

sysops-agent-password:
  file.managed:
    - name: {{ (config_dir ~ '/password') | json }}
    - contents_pillar: sysops_agent:password
    - user: {{ user | json }}
    - group: {{ group | json }}
    - mode: '0600'
    - show_changes: false
    - require:
      - file: sysops-agent-config-dir
{%- endif %}

{%- if pillar.get('ca') %}

sysops-agent-ca:
  file.managed:
    - name: {{ (config_dir ~ '/ca.pem') | json }}
    - contents: {{ pillar['ca'] | json }}
    - user: {{ user | json }}
    - group: {{ group | json }}
    - mode: '0644'
    - require:
      - file: sysops-agent-config-dir
{%- endif %}

sysops-agent-config:
  file.serialize:
    - name: {{ (config_dir ~ '/config.yaml') | json }}
    - serializer: yaml
    - dataset: {{ config | json }}
    - user: {{ user | json }}
    - group: {{ group | json }}
    - mode: '0644'
    - require:
      - file: sysops-agent-config-dir

{%- if pillar.get('links', true) %}

sysops-agent-links:
  cmd.run:
    - name: {{ (binary ~ ' init --config ' ~ config_dir ~ '/config.yaml') | json }}
    - creates: {{ (outgoing ~ '/etc_passwd') | json }}
    - require:
      - file: sysops-agent-config
{%- endif %}

{%- if pillar.get('timer', true) %}

sysops-agent-timer:
  service.running:
    - name: sysops-agent.timer
    - enable: true
    - require:
      - file: sysops-agent-config
{%- endif %}
