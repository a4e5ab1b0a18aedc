-- A thumbnail: an RGB picture, made of gradients and noise, is scaled down by
-- 4 (each pixel the mean of 4 x 4) and then sharpened. All in integers.
-- {"width": 640, "height": 480, "seed": 1}
-- -> {"width": 160, "height": 120, "checksum": FNV-1a of the bytes}
--
--     gvisord deploy image.lua
--     gvisord invoke image '{"width": 640, "height": 480, "seed": 1}'

local SCALE, CHANNELS = 4, 3

local function integer(event, key, low, high)
	local n = type(event) == "table" and event[key]
	if math.type(n) ~= "integer" or n < low or n > high then
		error(("%s: must be an integer from %d to %d"):format(
			key, low, high), 0)
	end
	return n
end

local function clamped(n, low, high)
	return n < low and low or n > high and high or n
end

-- The thumbnail as a table of its bytes, from index 0, row by row.
local function shrunk(width, height, seed)
	local bytes = {}
	for y = 0, height - 1 do
		local sums = {}
		for i = 0, width * CHANNELS - 1 do
			sums[i] = 0
		end
		for row = y * SCALE, (y + 1) * SCALE - 1 do
			for x = 0, width * SCALE - 1 do
				for c = 0, CHANNELS - 1 do
					seed = (seed * 1664525 + 1013904223)
						& 0xffffffff
					local i = x // SCALE * CHANNELS + c
					sums[i] = sums[i] + ((x * 3 + row * 2
						+ c * 64 + (seed >> 27)) & 255)
				end
			end
		end
		for i = 0, #sums do
			bytes[y * width * CHANNELS + i] =
				sums[i] // (SCALE * SCALE)
		end
	end
	return bytes
end

-- FNV-1a over the picture with each byte sharpened: five times the byte less
-- its four neighbours. Beyond the border the pixel at the border is meant.
local function checksum(bytes, width, height)
	local sum = 2166136261
	for y = 0, height - 1 do
		local up, down = math.max(y - 1, 0), math.min(y + 1, height - 1)
		for x = 0, width - 1 do
			local left = math.max(x - 1, 0)
			local right = math.min(x + 1, width - 1)
			for c = 0, CHANNELS - 1 do
				local function at(column, row)
					return bytes[(row * width + column)
						* CHANNELS + c]
				end
				local n = 5 * at(x, y) - at(left, y)
					- at(right, y) - at(x, up) - at(x, down)
				sum = (sum ~ clamped(n, 0, 255)) * 16777619
					& 0xffffffff
			end
		end
	end
	return sum
end

return function(event)
	local width = integer(event, "width", SCALE, 8192) // SCALE
	local height = integer(event, "height", SCALE, 8192) // SCALE
	local seed = integer(event, "seed", 0, 0xffffffff)
	local bytes = shrunk(width, height, seed)
	return {
		width = width,
		height = height,
		checksum = checksum(bytes, width, height),
	}
end
