-- The product of two n x n matrices, made of small integers in floats, so that
-- the checksum is exact: {"n": 200} -> {"n": 200, "checksum": 647987400}
--
--     gvisord deploy matmul.lua
--     gvisord invoke matmul '{"n": 200}'

-- A matrix is a table of rows; value(i, j) with i and j from 0.
local function matrix(n, value)
	local rows = {}
	for i = 1, n do
		local row = {}
		for j = 1, n do
			row[j] = value(i - 1, j - 1)
		end
		rows[i] = row
	end
	return rows
end

-- Row by row through c, as matmul.c does.
local function product(b, c, n)
	local a = matrix(n, function() return 0.0 end)
	for i = 1, n do
		local into, row = a[i], b[i]
		for k = 1, n do
			local factor, from = row[k], c[k]
			for j = 1, n do
				into[j] = into[j] + factor * from[j]
			end
		end
	end
	return a
end

-- Each place counts differently, so that no two may be swapped.
local function checksum(a, n)
	local sum = 0.0
	for i = 1, n do
		for j = 1, n do
			local weight = ((i - 1) * 2 + j - 1) % 7 + 1
			sum = sum + a[i][j] * weight
		end
	end
	return math.tointeger(sum)
end

return function(event)
	local n = type(event) == "table" and event.n
	if math.type(n) ~= "integer" or n < 1 or n > 1000 then
		error("n: must be an integer from 1 to 1000", 0)
	end

	local b = matrix(n, function(i, j)
		return (i * 7 + j * 3) % 10 + 0.0
	end)
	local c = matrix(n, function(i, j)
		return (i * 5 + j * 11) % 10 + 0.0
	end)
	return {n = n, checksum = checksum(product(b, c, n), n)}
end
