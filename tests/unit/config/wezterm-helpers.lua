local helpers = {}
function helpers.scheme(appearance)
  return tostring(appearance):find 'Light' and 'Tomorrow' or 'Tomorrow Night'
end
return helpers
