return function(event)
	return {greeting = "Hello, " .. event.name}
end
