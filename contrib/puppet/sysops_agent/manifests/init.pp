# @summary Installs sysops-agent, writes its config, and enables the timer that pushes.
#
# Nothing is notified: each run of the timer reads the config anew, and a push at the
# moment of a change would be one of the whole fleet at once.
#
# @param servers
#   The servers of the host's core, as redis:// or rediss:// URLs without passwords.
#   Empty where config says directory.
# @param user
#   The user of Redis' ACL.
# @param password
#   Its password, which is written to a file for root alone.
# @param ca
#   The authority that signs the servers' certificates, as PEM text. Without it, those
#   that the system trusts.
# @param config
#   Whatever else stands in config.yaml (docs/config.md), such as
#   { 'agent' => { 'ttl' => '12h' } }. It wins.
# @param manage_package
#   Whether the package is installed.
# @param manage_links
#   Whether the files worth having are linked with sysops-agent init, once: where
#   /etc/passwd is not linked yet.
# @param manage_timer
#   Whether sysops-agent.timer is enabled. Not where cron or CFEngine starts the agent.
# @param package_ensure
#   As that of a package.
# @param binary
#   The program.
# @param config_dir
#   The folder of config.yaml.
# @param outgoing
#   The outgoing directory.
# @param owner
#   To whom the files belong.
# @param group
#   To which group they belong.
class sysops_agent (
  Array[Pattern[/\Arediss?(\+cluster)?:\/\/[^@\s]+\z/]] $servers = [],
  Optional[String[1]] $user = undef,
  Optional[Sensitive[String[1]]] $password = undef,
  Optional[String[1]] $ca = undef,
  Hash[String, Data] $config = {},
  Boolean $manage_package = true,
  Boolean $manage_links = true,
  Boolean $manage_timer = true,
  String[1] $package_ensure = 'installed',
  Pattern[/\A\//] $binary = '/usr/bin/sysops-agent',
  Pattern[/\A\//] $config_dir = '/etc/sysops',
  Pattern[/\A\//] $outgoing = '/var/lib/sysops/outgoing',
  String[1] $owner = 'root',
  String[1] $group = 'root',
) {
  $user_line = $user ? {
    undef   => {},
    default => { 'user' => $user },
  }
  $password_line = $password ? {
    undef   => {},
    default => { 'password_file' => "${config_dir}/password" },
  }
  $ca_line = $ca ? {
    undef   => {},
    default => { 'ca_file' => "${config_dir}/ca.pem" },
  }
  $server_line = $servers ? {
    []      => {},
    default => { 'server' => $servers },
  }

  # A section that config has too is merged with ours.
  $ours = $server_line + {
    'redis' => $user_line + $password_line + $ca_line,
    'agent' => { 'outgoing' => $outgoing },
  }
  $settings = $ours + $config.reduce({}) |$merged, $section| {
    $value = $section[1] ? {
      Hash    => ($ours[$section[0]] ? { Hash => $ours[$section[0]], default => {} }) + $section[1],
      default => $section[1],
    }
    $merged + { $section[0] => $value }
  }

  File {
    owner => $owner,
    group => $group,
  }

  if $manage_package {
    package { 'sysops-agent':
      ensure => $package_ensure,
      before => File[$config_dir],
    }
  }

  file { $config_dir:
    ensure => directory,
    mode   => '0755',
  }

  if $password {
    file { "${config_dir}/password":
      ensure    => file,
      mode      => '0600',
      content   => Sensitive("${password.unwrap}\n"),
      show_diff => false,
    }
  }

  if $ca {
    file { "${config_dir}/ca.pem":
      ensure  => file,
      mode    => '0644',
      content => $ca,
    }
  }

  file { "${config_dir}/config.yaml":
    ensure  => file,
    mode    => '0644',
    content => template('sysops_agent/config.yaml.erb'),
  }

  if $manage_links {
    exec { 'sysops-agent init':
      command => [$binary, 'init', '--config', "${config_dir}/config.yaml"],
      creates => "${outgoing}/etc_passwd",
      require => File["${config_dir}/config.yaml"],
    }
  }

  if $manage_timer {
    service { 'sysops-agent.timer':
      ensure  => running,
      enable  => true,
      require => File["${config_dir}/config.yaml"],
    }
  }
}
