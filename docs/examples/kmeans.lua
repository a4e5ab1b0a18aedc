-- k-means: random points of a square, put into clusters by the nearest centre,
-- each centre moved into the middle of its cluster, and so on.
-- {"points": 10000, "clusters": 8, "iterations": 20, "seed": 1}
-- -> {"inertia": squared distances summed up, "sizes": [...],
--     "centres": [[x, y], ...]}
--
--     gvisord deploy kmeans.lua
--     gvisord invoke kmeans \
--         '{"points": 10000, "clusters": 8, "iterations": 20, "seed": 1}'

local function integer(event, key, low, high)
	local n = type(event) == "table" and event[key]
	if math.type(n) ~= "integer" or n < low or n > high then
		error(("%s: must be an integer from %d to %d"):format(
			key, low, high), 0)
	end
	return n
end

-- Two tables, one of x and one of y, take a third of the memory that a table
-- for each point would.
local function random_points(n, seed)
	local xs, ys = {}, {}
	local function next_random()
		seed = (seed * 1664525 + 1013904223) & 0xffffffff
		return (seed >> 8) / 16777216
	end
	for i = 1, n do
		xs[i] = next_random()
		ys[i] = next_random()
	end
	return xs, ys
end

-- Returns the inertia, before the centres move, and the clusters' sizes.
local function iterate(xs, ys, centres_x, centres_y)
	local sums_x, sums_y, sizes = {}, {}, {}
	for k = 1, #centres_x do
		sums_x[k], sums_y[k], sizes[k] = 0.0, 0.0, 0
	end
	local inertia = 0.0
	for i = 1, #xs do
		local x, y = xs[i], ys[i]
		local nearest, least = 1, 1e300
		for k = 1, #centres_x do
			local dx, dy = x - centres_x[k], y - centres_y[k]
			local distance = dx * dx + dy * dy
			if distance < least then
				nearest, least = k, distance
			end
		end
		sums_x[nearest] = sums_x[nearest] + x
		sums_y[nearest] = sums_y[nearest] + y
		sizes[nearest] = sizes[nearest] + 1
		inertia = inertia + least
	end
	for k, size in ipairs(sizes) do
		if size > 0 then
			centres_x[k] = sums_x[k] / size
			centres_y[k] = sums_y[k] / size
		end
	end
	return inertia, sizes
end

return function(event)
	local n_points = integer(event, "points", 1, 1000000)
	local n_clusters = integer(event, "clusters", 1, 64)
	local iterations = integer(event, "iterations", 1, 10000)
	local seed = integer(event, "seed", 0, 0xffffffff)
	if n_clusters > n_points then
		error("clusters: more than points", 0)
	end

	local xs, ys = random_points(n_points, seed)
	local centres_x = table.move(xs, 1, n_clusters, 1, {})
	local centres_y = table.move(ys, 1, n_clusters, 1, {})
	local inertia, sizes
	for _ = 1, iterations do
		inertia, sizes = iterate(xs, ys, centres_x, centres_y)
	end

	local centres = {}
	for k = 1, n_clusters do
		centres[k] = {centres_x[k], centres_y[k]}
	end
	return {inertia = inertia, sizes = sizes, centres = centres}
end
