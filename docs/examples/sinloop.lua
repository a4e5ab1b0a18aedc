-- sin(1) + sin(2) + ... + sin(n), nothing but calls of the mathematics library:
-- {"n": 1000} -> {"sum": 0.81396...}
--
--     gvisord deploy sinloop.lua
--     gvisord invoke sinloop '{"n": 1000}'

return function(event)
	local n = type(event) == "table" and event.n
	if math.type(n) ~= "integer" or n < 1 or n > 1000000000 then
		error("n: must be an integer from 1 to 1000000000", 0)
	end

	local sum = 0.0
	for i = 1, n do
		sum = sum + math.sin(i)
	end
	return {sum = sum}
end
