-- wrk: post.lua's request, to another function each time. The argument names a
-- file: how many functions, f0 and so on, and then which one each request goes
-- to, one a line; behind the last it begins anew.
local requests, draws, at = {}, {}, 0

function init(args)
    local next_number = io.lines(args[1], "*n")
    wrk.headers["Content-Type"] = "application/json"
    for i = 1, next_number() do
        local path = "/v1/functions/scale/f" .. i - 1 .. "/invoke"
        requests[i] = wrk.format("POST", path, nil, '{"name":"Ada"}')
    end
    for i in next_number do
        draws[#draws + 1] = requests[i + 1]
    end
end

function request()
    at = at % #draws + 1
    return draws[at]
end
