return function(event)
    return "hello"
end
