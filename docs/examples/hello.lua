-- Greets: {"name": "Ada"} -> {"greeting": "Hello, Ada"}.
--
--     gvisord deploy hello.lua
--     gvisord invoke hello '{"name": "Ada"}'

return function(event)
	return {greeting = "Hello, " .. event.name}
end
