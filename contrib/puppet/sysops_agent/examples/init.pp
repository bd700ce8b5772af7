class { 'sysops_agent':
  servers => ['rediss://mps01.example.com:6380/1', 'rediss://mps02.example.com:6380/1'],
  user    => 'agent',
  # password => Sensitive(lookup('sysops_agent_password')),
  # ca       => file('profile/ca.pem'),
  config  => { 'agent' => { 'domain' => 'example.com' } },
}
